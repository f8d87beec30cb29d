import { Cluster } from 'ioredis';
import type { RedisClient } from './redis';

/** How old an answer may be before Redis is asked again, in ms. */
const freshMs = 1000;

/**
 * How much of its `maxmemory` Redis uses, as far as this process knows: asked in passing and at most once a second, so that
 * nobody waits for it. Nothing is known, and nothing full, before the first answer and where no limit is set.
 */
export class MemoryUse {
  private known = 0;
  private askedAt = 0;

  constructor(private readonly redis: RedisClient) {}

  /** Whether more than this part of it is used; in a cluster, of the fullest master's. */
  isAbove(part: number): boolean {
    if (Date.now() - this.askedAt >= freshMs) void this.ask();
    return this.known > part;
  }

  private async ask(): Promise<void> {
    this.askedAt = Date.now();
    const servers = this.redis instanceof Cluster ? this.redis.nodes('master') : [this.redis];
    try {
      this.known = Math.max(
        0,
        ...(await Promise.all(servers.map(async (server) => usedPart(await server.info('memory'))))),
      );
    } catch {
      // Whoever needs Redis finds out by itself that it is away; what was known is as good as anything.
    }
  }
}

/** What a server's answer to INFO says; 0 without a limit. */
function usedPart(info: string): number {
  const [used, limit] = ['used_memory', 'maxmemory'].map((name) =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0),
  ) as [number, number];
  return limit === 0 ? 0 : used / limit;
}
