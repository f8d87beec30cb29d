import { RecurringFault, metrics } from '@pns/runtime';
import { Cluster } from 'ioredis';
import { Gauge } from 'prom-client';
import type { RedisClient } from './redis';
import { redisNearlyFullSentence } from './redis-full';

/** How old a reading may be before Redis is asked again in passing, in ms. */
const freshMs = 1000;
/** The same for a refusal, in ms: room that Redis has again is seen after this time. */
const freshForRefusalMs = 200;
/** A scrape waits this long for an answer of Redis, in ms. */
const scrapeTimeoutMs = 1000;

/** The part of its memory that Redis may use before PNS accepts nothing more; the rest is for sending. ADR 0014. */
export const mostUsedForIntake = 0.9;
/** The log calls Redis full above `mostUsedForIntake`, and no longer full below this: so that it does not log each swing. */
const hasRoomBelow = 0.85;

/** One for all parts of the process, which share a Redis. */
const fullness = new RecurringFault('redis.full', 'redis.has-room');

/** How much of its `maxmemory` Redis uses; in a cluster, the fullest master. 0 where no limit is set. */
export class MemoryUse {
  private known = 0;
  /** Whether the last try to read it succeeded. */
  private isKnown = false;
  private askedAt = 0;
  private asking: Promise<boolean> | undefined;

  constructor(private readonly redis: RedisClient) {}

  /**
   * Whether the last known reading is above this part. Costs no round trip: a reading older than a second is replaced in passing.
   * Before the first reading nothing is above.
   */
  isAbove(part: number): boolean {
    if (Date.now() - this.askedAt >= freshMs) void this.ask();
    return this.known > part;
  }

  /** The same from a reading that is at most 200 ms old. False when Redis is away, so that the caller meets that fault itself. */
  async isAboveNow(part: number): Promise<boolean> {
    return ((await this.usedPart()) ?? 0) > part;
  }

  /** The part in use, at most 200 ms old; undefined when Redis is away. */
  async usedPart(): Promise<number | undefined> {
    const isFresh = this.asking === undefined && this.isKnown && Date.now() - this.askedAt < freshForRefusalMs;
    return isFresh || (await this.ask()) ? this.known : undefined;
  }

  /** Call it when Redis refused a write for want of memory: what was read before is no longer true. */
  outdate(): void {
    this.isKnown = false;
    this.askedAt = 0;
  }

  /** Answers whether Redis did. */
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
      return false; // each caller that needs Redis finds out by itself that it is away
    }
    if (this.known > mostUsedForIntake) fullness.occurred(redisNearlyFullSentence(this.known, mostUsedForIntake));
    else if (this.known < hasRoomBelow) fullness.isOver();
    return true;
  }
}

/** From a server's answer to INFO, as Redis itself compares them before it refuses a write; 0 without a limit. */
function usedPartOf(info: string): number {
  const [used, notCounted, limit] = ['used_memory', 'mem_not_counted_for_evict', 'maxmemory'].map((name) =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0),
  ) as [number, number, number];
  return limit === 0 ? 0 : (used - notCounted) / limit;
}

/** Those of the apps that run in this process. */
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
