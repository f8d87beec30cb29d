import type { Scenario } from '../scenario';
import { throughPns } from './pipeline';

/** Eight shards for each of the three masters, as the README advises. */
const shards = 24;

/**
 * The way of `pipeline` with shards on three Redis servers, compared with one Redis and a single shard. There is no goal.
 * If both sides use all cores of the machine, the ratio shows the cost of distribution. It shows the gain only with more
 * cores.
 */
export const cluster: Scenario = {
  name: 'cluster',
  unit: 'notifications/s',
  ours: throughPns({ hasRedisCluster: true, env: { PNS_SHARDS: String(shards) } }),
  baseline: throughPns({ env: { PNS_SHARDS: '1' } }),
};
