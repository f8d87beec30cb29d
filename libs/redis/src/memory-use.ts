import { RecurringFault, metrics } from '@pns/runtime';
import { Cluster } from 'ioredis';
import { Gauge } from 'prom-client';
import type { RedisClient } from './redis';
import { redisNearlyFullSentence } from './redis-full';

/** A reading older than this is replaced in the background, in ms. */
const freshMs = 1000;
/** A request is refused only after a reading that is newer than this, in ms, so that freed memory is noticed. */
const freshForRefusalMs = 200;
/** A scrape waits for Redis at most this long, in ms. */
const scrapeTimeoutMs = 1000;

/** Above this used part of the memory of Redis, PNS accepts no more notifications; the rest is for sending. ADR 0014. */
export const mostUsedForIntake = 0.9;
/** The log reports Redis as full above `mostUsedForIntake` and as no longer full below this; the gap prevents many log lines. */
const hasRoomBelow = 0.85;

/** All apps of the process share this fault, because they share a Redis. */
const fullness = new RecurringFault('redis.full', 'redis.has-room');

/** Reads which part of its `maxmemory` Redis uses: in a cluster the part of the fullest master, and 0 without a limit. */
export class MemoryUse {
  private known = 0;
  /** Whether the last reading succeeded and is still valid. */
  private isKnown = false;
  private askedAt = 0;
  private asking: Promise<boolean> | undefined;

  constructor(private readonly redis: RedisClient) {}

  /**
   * Whether the last known reading is above this part. Does not wait for Redis: a reading older than a second is replaced in the
   * background. False before the first reading.
   */
  isAbove(part: number): boolean {
    if (Date.now() - this.askedAt >= freshMs) void this.ask();
    return this.known > part;
  }

  /** Like `isAbove`, from a reading that is at most 200 ms old. False when Redis is away; the caller's next command then rejects. */
  async isAboveNow(part: number): Promise<boolean> {
    return ((await this.usedPart()) ?? 0) > part;
  }

  /** The part in use, at most 200 ms old; undefined when Redis is away. */
  async usedPart(): Promise<number | undefined> {
    const isFresh = this.asking === undefined && this.isKnown && Date.now() - this.askedAt < freshForRefusalMs;
    return isFresh || (await this.ask()) ? this.known : undefined;
  }

  /** Discards the last reading. Call it when Redis refused a write because its memory is full. */
  invalidate(): void {
    this.isKnown = false;
    this.askedAt = 0;
  }

  /** Reads the part in use, once for concurrent callers. Resolves with whether Redis answered. */
  private ask(): Promise<boolean> {
    this.asking ??= this.read().finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async read(): Promise<boolean> {
    this.askedAt = Date.now();
    const servers = this.redis instanceof Cluster ? this.redis.nodes('master') : [this.redis];
    try {
      const answers = await Promise.all(servers.map((server) => server.info('memory')));
      this.known = Math.max(0, ...answers.map(usedPartOf));
      this.isKnown = true;
    } catch {
      this.isKnown = false;
      return false; // callers that need Redis get an error from their own commands
    }
    if (this.known > mostUsedForIntake) fullness.occurred(redisNearlyFullSentence(this.known, mostUsedForIntake));
    else if (this.known < hasRoomBelow) fullness.isOver();
    return true;
  }
}

/** The used part of the limit in an answer to INFO, computed as Redis does before it refuses a write; 0 without a limit. */
function usedPartOf(info: string): number {
  const [used, notCounted, limit] = ['used_memory', 'mem_not_counted_for_evict', 'maxmemory'].map((name) =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0),
  ) as [number, number, number];
  return limit === 0 ? 0 : (used - notCounted) / limit;
}

/** The readings of the apps in this process. */
export const memoryUses = new Set<MemoryUse>();

new Gauge({
  name: 'pns_redis_memory_ratio',
  help: 'The part of its maxmemory that Redis uses, in a cluster the fullest master; 0 without a maxmemory. All apps report the same Redis: take the maximum, not the sum.',
  registers: [metrics],
  async collect() {
    this.remove();
    const [any] = memoryUses;
    const used = any && (await withinScrape(any.usedPart()));
    if (used !== undefined) this.set(used);
  },
});

function withinScrape(reading: Promise<number | undefined>): Promise<number | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), scrapeTimeoutMs);
  });
  return Promise.race([reading, late]).finally(() => clearTimeout(timer));
}
