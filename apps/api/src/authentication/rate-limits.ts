import { Injectable } from '@nestjs/common';
import type { ApiKey, RateLimit } from '@pns/persistence';
import { Queues } from '@pns/queue';
import { LuaScript } from '@pns/redis';
import { declareCounter, log } from '@pns/runtime';

/** An API key that has a rate limit. */
export type LimitedKey = Pick<ApiKey, 'id'> & { readonly rateLimit: RateLimit };

/** The result of taking units from the bucket of a key. */
export interface Taken {
  /** The number of admitted costs, counted from the first. */
  readonly admitted: number;
  /** Whole units left. */
  readonly left: number;
  /** The time until the next cost can be admitted, in ms; 0 if all were admitted. */
  readonly waitMs: number;
}

const script = new LuaScript<[number, number, number]>({ folder: __dirname, name: 'rate-limit', numberOfKeys: 1 });

/** How long a request waits for Redis before it is admitted unchecked, in ms. */
const redisTimeoutMs = 250;

/** Time after a failure in which no request waits for Redis, in ms, so that a hanging Redis does not delay every request. */
const skipRedisMs = 1000;

const uncheckedTotal = declareCounter({
  name: 'pns_rate_limit_unchecked_total',
  help: 'Requests of API keys with a rate limit that were admitted unchecked, because Redis did not answer.',
  labels: {},
});

/**
 * The token buckets of API keys. They are in Redis, so that all API processes share them. While Redis does not answer, no
 * request is limited, because routes that do not need Redis must work without it.
 */
@Injectable()
export class RateLimits {
  private redisSkippedUntil = 0;

  constructor(private readonly queues: Queues) {}

  /**
   * Takes `costs` in order until the bucket holds too few units for a cost; undefined when Redis did not answer. A cost above
   * `most` needs only `most` units and leaves a debt. `clock` replaces Redis' time, in ms.
   */
  async take(key: LimitedKey, costs: readonly number[], most: number, clock?: number): Promise<Taken | undefined> {
    const { perSecond, burst } = key.rateLimit;
    if (Date.now() < this.redisSkippedUntil) return this.unchecked();
    try {
      const name = this.queues.keys.global(`rate-limit:${key.id}`);
      const answer = script.run(this.queues.redis, name, clock ?? '', perSecond, burst, most, ...costs);
      const [admitted, left, waitMs] = await inTime(answer);
      return { admitted, left: Math.max(0, left), waitMs };
    } catch (error) {
      this.redisSkippedUntil = Date.now() + skipRedisMs;
      log.warn({ event: 'api-key.rate-limit-unchecked', apiKey: key.id, reason: (error as Error).message });
      return this.unchecked();
    }
  }

  private unchecked(): undefined {
    uncheckedTotal.inc();
  }
}

/** The result of `answer`. @throws Error if there is no result within `redisTimeoutMs`. */
async function inTime<Value>(answer: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Redis did not answer within ${redisTimeoutMs} ms.`)), redisTimeoutMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => undefined); // the promise can still reject after the timeout
  }
}
