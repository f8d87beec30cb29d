import type { Owner } from '@pns/subscriptions';

/**
 * Where things live in Redis. Everything of one user is in one of `shards` key groups that share a hash tag, so that a
 * Redis Cluster spreads the groups and one script may touch every key of a group.
 */
export class KeySpace {
  constructor(
    readonly shards: number,
    readonly prefix = 'pns',
  ) {}

  /** The key group of a user, from 0 to `shards` - 1. */
  shardOf(context: number, user: number): number {
    // Two rounds of an integer mix (Murmur3's finalizer), so that neighbouring ids land in different groups.
    let hash = Math.imul(context, 0x9e3779b1) ^ user;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return ((hash ^ (hash >>> 16)) >>> 0) % this.shards;
  }

  /** The key groups in which something of the owner may be. */
  shardsOf({ context, user }: Owner): number[] {
    return user === undefined ? this.all() : [this.shardOf(context, user)];
  }

  /** What every key and queue of a shard begins with, hash tag included. */
  group(shard: number): string {
    return `{${this.prefix}:${shard}}`;
  }

  /** The keys of any shard that continue like `rest`, as a pattern for SCAN. */
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
