import { Cluster, type Redis } from 'ioredis';
import type { KeySpace } from './key-space';
import type { RedisClient } from './redis';

/**
 * The keys of all shards that end with `rest` (a SCAN pattern), in portions. Rejects when a master that may have such keys is
 * unreachable, so that the result is never incomplete.
 */
export async function* scanKeys(redis: RedisClient, keys: KeySpace, rest: string): AsyncGenerator<string[]> {
  const servers = redis instanceof Cluster ? await mastersOf(redis, keys) : [redis];
  for (const server of servers) {
    for await (const scanned of server.scanStream({ match: keys.pattern(rest), count: 1000 }))
      yield scanned as string[];
  }
}

/** The masters of a cluster that have shards. */
async function mastersOf(cluster: Cluster, keys: KeySpace): Promise<Redis[]> {
  const slots = await Promise.all(keys.all().map((shard) => cluster.cluster('KEYSLOT', keys.group(shard))));
  const addresses = new Set(slots.map((slot) => cluster.slots[Number(slot)]?.[0]));
  return [...addresses].map((address) => {
    const master = cluster.nodes('master').find(({ options }) => `${options.host}:${options.port}` === address);
    if (master === undefined) throw new Error('Connection is closed.');
    return master;
  });
}
