import type { Delivery } from '@pns/transport-contract';
import { LRUCache } from 'lru-cache';
import { EndpointLimit } from './endpoint-limit';
import { Tally } from './tally';

/** A job that asks for a place. */
export interface PlaceRequest {
  /** The queue that it comes from. */
  readonly source: string;
  readonly endpoint: string;
  readonly job: string;
  readonly deliveries: readonly Pick<Delivery, 'context' | 'user'>[];
  /** It was deferred before, by whatever process, so it overtakes nothing. */
  readonly isBack: boolean;
  /** How many deliveries the connections to the endpoint carry at once. */
  readonly capacity: number;
  /** Brings the job back from its deferral. Rejects when it is not deferred any more. */
  readonly callBack: () => Promise<unknown>;
}

/** What the end of a delivery says about its far side. */
export type Verdict = 'answered' | 'failed' | 'nothing';

/** The place of a job, from its first delivery on. */
export interface Place {
  /** One of its deliveries ended; `ms` after it was sent. */
  ended(verdict: Verdict, ms: number): void;
  /** The job is done with, however it ended. Deliveries that did not end count as ended. */
  leave(): void;
}

/** An endpoint with one job always finds room in a source that has less. */
const leastShare = 32;

/** Parts of a source that endpoints which are not known to be quick may hold: all of them, those of one context, those of one user. */
const [notQuickPart, contextPart, userPart] = [2, 4, 8] as const;

/** So many deferred jobs of an endpoint are remembered in their order; those beyond come back by themselves. */
const maxDeferred = 10_000;

/** A job that was called back has gone to another process when it does not come within this time, in ms. */
const comeBackMs = 500;

/** Shortest and longest deferral, in ms: after the longest one another process takes over what a dead one would have called back. */
const [leastPauseMs, mostPauseMs] = [50, 15_000] as const;

/** Before the first answer, an answer is taken to need so long, in ms. */
const guessMs = 100;

/** Deferred jobs that have no room are passed over for those of other sources, so many at a time. */
const maxPassedOver = 32;

/** What is kept of a job; its deliveries would be too much. */
interface Claim {
  readonly source: string;
  readonly count: number;
  /** Of its deliveries, where they have one in common. */
  readonly context: number | undefined;
  readonly user: number | undefined;
}

interface Deferred {
  readonly claim: Claim;
  readonly callBack: () => Promise<unknown>;
  /** Set once the job is in the queue again, where it can be called back. */
  isAway: boolean;
  calledAt: number | undefined;
  /** What the place that is kept for it counts for. */
  keys: readonly string[];
}

interface Waiting {
  readonly begin: () => void;
  readonly giveUp: () => void;
}

interface Endpoint {
  readonly name: string;
  readonly limit: EndpointLimit;
  inFlight: number;
  /** Jobs that have a place in their source and none at the endpoint, in the order in which they came. */
  readonly waiting: Waiting[];
  /** By id, in the order in which they came. */
  readonly deferred: Map<string, Deferred>;
  /** How many deliveries those jobs hold. */
  deferredCount: number;
}

/**
 * Shares out what a process works on, counted in deliveries. An endpoint has as many in flight as its limit allows, jobs of any queue in
 * their order. Jobs beyond wait here, as long as their endpoint, context and user leave room in the queue for others; those beyond
 * are deferred and called back, the oldest first.
 */
export class DeliveryPlaces {
  private readonly endpoints = new Map<string, Endpoint>();
  private readonly limits = new LRUCache<string, EndpointLimit>({ max: 10_000 });
  private readonly held = new Tally();
  private isClosed = false;

  /** `perSource` deliveries of each queue are held at once, and one job more. */
  constructor(
    private readonly perSource: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Whether nothing more should be fetched from a queue. */
  isFull(source: string): boolean {
    return this.held.of(source) >= this.perSource;
  }

  /**
   * Resolves with a place once the job may start; with undefined when it must be deferred for `pauseMs`, after which `isDeferred` must
   * be called.
   */
  async enter(request: PlaceRequest): Promise<Place | undefined> {
    const endpoint = this.endpoint(request);
    const claim = claimOf(request);
    const isBack = request.isBack || endpoint.deferred.has(request.job);
    this.release(endpoint.deferred.get(request.job));
    const isOvertaking = !isBack && endpoint.deferred.size > 0;
    if (this.isClosed || isOvertaking || !this.hasRoom(claim, endpoint)) {
      this.defer(request, claim, endpoint);
      return undefined;
    }
    this.forget(request.job, endpoint);
    return this.hold(claim, endpoint);
  }

  /** How long a job is deferred if nobody calls it back, in ms: well after its turn. `random` is in [0, 1). */
  pauseMs(name: string, random = Math.random()): number {
    const endpoint = this.endpoints.get(name);
    if (endpoint === undefined || this.isClosed) return leastPauseMs;
    const { deferredCount, limit } = endpoint;
    const turnMs = (deferredCount * (limit.answerMs ?? guessMs)) / limit.current;
    return Math.ceil(Math.min(Math.max(2 * turnMs, leastPauseMs), mostPauseMs) * (0.75 + 0.25 * random));
  }

  /** The job is in its queue again, and can be called back from now on. */
  isDeferred(name: string, job: string): void {
    const endpoint = this.endpoints.get(name);
    const deferred = endpoint?.deferred.get(job);
    if (endpoint === undefined || deferred === undefined) return;
    deferred.isAway = true;
    this.callBack(endpoint);
  }

  /** Defers every job that waits here, and all that come from now on. */
  close(): void {
    this.isClosed = true;
    for (const { waiting } of this.endpoints.values()) for (const { giveUp } of waiting.splice(0)) giveUp();
  }

  private endpoint({ endpoint: name, capacity }: PlaceRequest): Endpoint {
    let endpoint = this.endpoints.get(name);
    if (endpoint === undefined) {
      const limit = this.limits.get(name) ?? new EndpointLimit(capacity);
      this.limits.set(name, limit);
      endpoint = { name, limit, inFlight: 0, waiting: [], deferred: new Map(), deferredCount: 0 };
      this.endpoints.set(name, endpoint);
    }
    endpoint.limit.carries(capacity);
    return endpoint;
  }

  /** Gives a job a place in its source, and one at its endpoint when it is its turn. */
  private hold(claim: Claim, endpoint: Endpoint): Promise<Place | undefined> {
    const { count } = claim;
    const keys = this.keysOf(claim, endpoint);
    this.held.add(keys, count);
    let open = 0;
    const place: Place = {
      ended: (verdict, ms) => {
        if (open === 0) return;
        const isUsedUp = endpoint.inFlight >= endpoint.limit.current;
        open--;
        endpoint.inFlight--;
        if (verdict === 'answered') endpoint.limit.answered(ms, isUsedUp, this.now());
        else if (verdict === 'failed') endpoint.limit.failed(ms, this.now());
        this.startWaiting(endpoint);
      },
      leave: () => {
        endpoint.inFlight -= open;
        open = 0;
        this.held.remove(keys, count);
        this.startWaiting(endpoint);
        this.callBack(endpoint);
      },
    };
    return new Promise((resolve) => {
      const begin = (): void => {
        open = count;
        endpoint.inFlight += count;
        resolve(place);
      };
      const giveUp = (): void => {
        this.held.remove(keys, count);
        resolve(undefined);
      };
      endpoint.waiting.push({ begin, giveUp });
      this.startWaiting(endpoint);
    });
  }

  private startWaiting(endpoint: Endpoint): void {
    while (endpoint.inFlight < endpoint.limit.current) {
      const next = endpoint.waiting.shift();
      if (next === undefined) return;
      next.begin();
    }
  }

  /** A job that is deferred once more keeps its turn. */
  private defer({ job, callBack }: PlaceRequest, claim: Claim, endpoint: Endpoint): void {
    const known = endpoint.deferred.get(job);
    if (known !== undefined) known.isAway = false;
    else if (endpoint.deferred.size < maxDeferred) {
      endpoint.deferred.set(job, { claim, callBack, isAway: false, calledAt: undefined, keys: [] });
      endpoint.deferredCount += claim.count;
    }
  }

  /** Calls deferred jobs back while they have room, the oldest first; each has its place kept until it comes. */
  private callBack(endpoint: Endpoint): void {
    let passedOver = 0;
    for (const [job, deferred] of this.isClosed ? [] : endpoint.deferred) {
      if (passedOver === maxPassedOver) break;
      if (!deferred.isAway) continue;
      if (deferred.calledAt !== undefined) {
        if (this.now() - deferred.calledAt >= comeBackMs) this.forget(job, endpoint);
      } else if (this.hasRoom(deferred.claim, endpoint)) this.call(job, deferred, endpoint);
      else passedOver++;
    }
    const isIdle = endpoint.inFlight === 0 && endpoint.waiting.length === 0 && endpoint.deferred.size === 0;
    if (isIdle && this.endpoints.get(endpoint.name) === endpoint) this.endpoints.delete(endpoint.name);
  }

  private call(job: string, deferred: Deferred, endpoint: Endpoint): void {
    deferred.calledAt = this.now();
    deferred.keys = this.keysOf(deferred.claim, endpoint);
    this.held.add(deferred.keys, deferred.claim.count);
    deferred.callBack().catch(() => {
      // Another process has it by now, or it comes back by itself.
      if (endpoint.deferred.get(job) !== deferred) return;
      this.forget(job, endpoint);
      this.callBack(endpoint);
    });
  }

  private forget(job: string, endpoint: Endpoint): void {
    const deferred = endpoint.deferred.get(job);
    if (deferred === undefined) return;
    this.release(deferred);
    endpoint.deferred.delete(job);
    endpoint.deferredCount -= deferred.claim.count;
  }

  /** Gives up the place that is kept for a job which was called back. */
  private release(deferred: Deferred | undefined): void {
    if (deferred === undefined) return;
    this.held.remove(deferred.keys, deferred.claim.count);
    deferred.keys = [];
    deferred.calledAt = undefined;
  }

  private hasRoom(claim: Claim, endpoint: Endpoint): boolean {
    return this.sharesOf(claim, endpoint).every(({ key, most }) => this.held.of(key) < most);
  }

  private keysOf(claim: Claim, endpoint: Endpoint): string[] {
    return [claim.source, ...this.sharesOf(claim, endpoint).map(({ key }) => key)];
  }

  /** What a job counts for, and how much of each its source may hold before one more of its jobs is deferred. */
  private sharesOf({ source, context, user }: Claim, { name, limit }: Endpoint): { key: string; most: number }[] {
    const all = this.perSource;
    const free = all - this.held.of(source);
    const shares = [{ key: `${source} ${name}`, most: Math.max(all / leastShare, free) }];
    if (limit.isQuick) return shares;
    const slow = `${source} not quick`;
    shares.push({ key: slow, most: all / notQuickPart });
    if (context !== undefined) shares.push({ key: `${slow} ${context}`, most: all / contextPart });
    if (user !== undefined) shares.push({ key: `${slow} ${context} ${user}`, most: all / userPart });
    return shares;
  }
}

function claimOf({ source, deliveries }: PlaceRequest): Claim {
  const [first] = deliveries;
  const isOfOneContext = deliveries.every(({ context }) => context === first?.context);
  const isOfOneUser = isOfOneContext && deliveries.every(({ user }) => user === first?.user);
  return {
    source,
    count: deliveries.length,
    context: isOfOneContext ? first?.context : undefined,
    user: isOfOneUser ? first?.user : undefined,
  };
}
