import { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequestError } from '../http/request-error';
import type { Caller } from './authenticator';
import type { LimitedKey, RateLimits, Taken } from './rate-limits';

declare module 'fastify' {
  interface FastifyRequest {
    /** The remaining quota of the API key; absent where the key has no limit. */
    quota?: Quota;
  }
}

/** The name of the only policy: a key has one limit for all its requests. */
const policy = '"key"';

/**
 * The units that one request takes from the bucket of its API key: one for the request, which includes its first notification,
 * and one for each further notification.
 */
export class Quota {
  private isPrepaid = false;

  constructor(
    private readonly limits: RateLimits,
    private readonly key: LimitedKey,
    private readonly reply: FastifyReply,
  ) {}

  /** Takes the unit of the request itself; returns an error when the bucket is empty. */
  async admit(): Promise<RequestError | undefined> {
    const taken = await this.limits.take(this.key, [1], 1);
    this.isPrepaid = true;
    this.announce(taken);
    return taken?.admitted === 0 ? refusalAfter(taken) : undefined;
  }

  /**
   * Takes a unit for each notification, entry by entry. Returns the number of admitted entries and the error for the other
   * entries. An entry with more notifications than the bucket can hold is admitted when the bucket is full.
   */
  async take(
    notificationsOfEntries: readonly number[],
  ): Promise<{ readonly admitted: number; readonly refusal?: RequestError }> {
    const costs = [...notificationsOfEntries];
    if (this.isPrepaid) {
      // `admit` has already taken the unit of the first notification.
      this.isPrepaid = false;
      costs[0] = (costs[0] ?? 1) - 1;
      if (costs.every((cost) => cost === 0)) return { admitted: costs.length };
    }
    const taken = await this.limits.take(this.key, costs, Math.max(0, this.key.rateLimit.burst - 1));
    this.announce(taken);
    if (taken === undefined || taken.admitted === costs.length) return { admitted: costs.length };
    return { admitted: taken.admitted, refusal: refusalAfter(taken) };
  }

  /** Sets the headers of draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4. */
  private announce(taken: Taken | undefined): void {
    const { perSecond, burst } = this.key.rateLimit;
    void this.reply.header('ratelimit-policy', `${policy};q=${burst};w=${Math.ceil(burst / perSecond)}`);
    if (taken === undefined) return;
    const { left, waitMs } = taken;
    const untilFull = Math.ceil((burst - left) / perSecond);
    void this.reply.header('ratelimit', `${policy};r=${left};t=${waitMs > 0 ? seconds(waitMs) : untilFull}`);
  }
}

/** The quota of a request from outside. Requests that the API sends to itself (`inject`) take no units. */
export function quotaOf(
  { socket }: FastifyRequest,
  reply: FastifyReply,
  { id, rateLimit }: Caller,
  limits: () => RateLimits,
): Quota | undefined {
  if (rateLimit === undefined || !(socket instanceof Socket)) return undefined;
  return new Quota(limits(), { id, rateLimit }, reply);
}

function refusalAfter({ waitMs }: Taken): RequestError {
  const sentence = `The API key has used up its rate limit; retry in ${seconds(waitMs)} s.`;
  return new RequestError('RATE_LIMITED', sentence, [], { 'retry-after': String(seconds(waitMs)) });
}

function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
