import type { Scenario } from '../scenario';
import { throughPns } from './pipeline';

/** Eight shards for each of the three masters, as the README advises. */
const shards = 24;

/**
 * The way of `pipeline` with shards over three Redis, compared with one Redis and a single shard. There is no goal: on a
 * machine whose cores are fully used in both cases it shows the cost of distribution; only with more cores it shows the
 * gain.
 */
export const cluster: Scenario = {
  name: 'cluster',
  unit: 'notifications/s',
  ours: throughPns({ hasRedisCluster: true, env: { PNS_SHARDS: String(shards) } }),
  baseline: throughPns({ env: { PNS_SHARDS: '1' } }),
};
