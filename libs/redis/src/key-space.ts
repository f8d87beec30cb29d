import type { Owner } from '@pns/subscriptions';

/**
 * The names of keys in Redis. All keys of a user are in one of `shards` key groups. The keys of a group share a hash tag. So a
 * Redis Cluster distributes the groups, and one script may use all keys of a group.
 */
export class KeySpace {
  constructor(
    readonly shards: number,
    readonly prefix = 'pns',
  ) {}

  /** The number of the key group of a user, from 0 to `shards` - 1. */
  shardOf(context: number, user: number): number {
    // Two rounds of an integer mix (Murmur3's finalizer), so that neighbouring ids get different groups.
    let hash = Math.imul(context, 0x9e3779b1) ^ user;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return ((hash ^ (hash >>> 16)) >>> 0) % this.shards;
  }

  /** The key groups that may contain keys of the owner. */
  shardsOf({ context, user }: Owner): number[] {
    return user === undefined ? this.all() : [this.shardOf(context, user)];
  }

  /** The prefix of all keys and queues of a shard, with its hash tag. */
  group(shard: number): string {
    return `{${this.prefix}:${shard}}`;
  }

  /** A SCAN pattern for the keys of all shards that end with `rest`. */
  pattern(rest: string): string {
    return `{${this.prefix}:*}${rest}`;
  }

  /** A key that belongs to no user, such as a list of nodes. */
  global(name: string): string {
    return `${this.prefix}:${name}`;
  }

  /** All shards, in order. */
  all(): number[] {
    return Array.from({ length: this.shards }, (_, shard) => shard);
  }
}
