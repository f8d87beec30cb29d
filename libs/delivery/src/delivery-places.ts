import { LRUCache } from 'lru-cache';
import { EndpointLimit } from './endpoint-limit';

/** A job that needs places for its deliveries. */
export interface PlaceRequest {
  readonly endpoint: string;
  /** How many deliveries the connections to the endpoint carry at once. */
  readonly capacity: number;
  /** Unique in this process. */
  readonly job: string;
  readonly deliveries: number;
  /** Ends the deferral of the job. Answers false when it is not deferred any more. */
  readonly callBack: () => Promise<boolean>;
}

/** What the end of a delivery says about its far side. */
export type Verdict = 'answered' | 'failed' | 'nothing';

/** The places of a job that has started. */
export interface Places {
  /** A delivery ended `ms` after it was sent, and gives its place back. */
  ended(verdict: Verdict, ms: number): void;
  /** The job is over: gives back the places of deliveries that did not end. */
  leave(): void;
}

/** Of each endpoint as many are held as it takes in so many ms, and so many at least: what is not in flight waits here. */
const [holdMs, leastHeld] = [5000, 200] as const;

/** So many deferred jobs of an endpoint are called back in their order; those beyond come back by themselves. */
const maxDeferred = 10_000;

/** Places are kept for this time for a job that was called back, in ms: when it does not come, another process has it. */
const comeBackMs = 500;

/** Shortest and longest deferral of a job that nobody calls back, in ms. Its process may have died meanwhile. */
const [leastPauseMs, mostPauseMs] = [50, 15_000] as const;

/** Before the first answer, an answer is taken to need so long, in ms. */
const guessMs = 1000;

interface Waiting {
  readonly start: () => void;
  readonly giveUp: () => void;
}

interface Endpoint {
  readonly name: string;
  readonly limit: EndpointLimit;
  inFlight: number;
  /** Deliveries that are in flight or wait here. */
  held: number;
  /** Places of jobs that were called back and have not come yet. */
  kept: number;
  readonly waiting: Waiting[];
  readonly deferred: Map<string, PlaceRequest>;
  readonly calledBack: Map<string, { readonly deliveries: number; readonly timer: NodeJS.Timeout }>;
}

/**
 * Shares out what a process works on, counted in deliveries. An endpoint has as many in flight as its limit allows, and what it
 * takes in five seconds waits here. It holds no more than it leaves free to others, and at least one job. Jobs beyond are deferred, and called
 * back in their order.
 */
export class DeliveryPlaces {
  private readonly endpoints = new Map<string, Endpoint>();
  private readonly limits = new LRUCache<string, EndpointLimit>({ max: 10_000 });
  private held = 0;
  private isClosed = false;

  /** `most` deliveries are held at once, beside one job of each endpoint. */
  constructor(private readonly most: number) {}

  /** Resolves with places once the job may start, and with undefined when it must be deferred for `pauseMs`. */
  async enter(request: PlaceRequest): Promise<Places | undefined> {
    const endpoint = this.endpoint(request);
    this.endKeeping(endpoint, request.job);
    // A job may take the place of another one that was called back rather than leave a connection unused.
    const mayStart = endpoint.held < Math.min(endpoint.limit.current, this.free);
    if (this.isClosed || !(mayStart || this.hasRoom(endpoint))) return undefined;
    endpoint.deferred.delete(request.job);
    return this.hold(endpoint, request.deliveries);
  }

  /** The job has been deferred, and is called back when it is its turn; at once, for other processes, after `close`. */
  defer(request: PlaceRequest): void {
    if (this.isClosed) return void request.callBack().catch(() => undefined);
    const endpoint = this.endpoint(request);
    if (endpoint.deferred.size >= maxDeferred) return;
    endpoint.deferred.set(request.job, request);
    this.callBack(endpoint);
  }

  /** How long a job is deferred unless it is called back, in ms: well beyond its turn. `random` is in [0, 1). */
  pauseMs(name: string, random = Math.random()): number {
    const endpoint = this.endpoints.get(name);
    if (endpoint === undefined || this.isClosed) return leastPauseMs;
    const { deferred, held, limit } = endpoint;
    const turnMs = ((deferred.size + held) * (limit.answerMs ?? guessMs)) / limit.current;
    return Math.ceil(Math.min(Math.max(2 * turnMs, leastPauseMs), mostPauseMs) * (0.75 + 0.25 * random));
  }

  /** Defers every job that waits here and all that come from now on, and leaves those that were deferred to other processes. */
  async close(): Promise<void> {
    this.isClosed = true;
    const calls: Promise<unknown>[] = [];
    for (const { waiting, calledBack, deferred } of this.endpoints.values()) {
      for (const { giveUp } of waiting.splice(0)) giveUp();
      for (const { timer } of calledBack.values()) clearTimeout(timer);
      for (const { callBack } of deferred.values()) calls.push(callBack());
      deferred.clear();
    }
    await Promise.allSettled(calls);
  }

  private endpoint({ endpoint: name, capacity }: PlaceRequest): Endpoint {
    let endpoint = this.endpoints.get(name);
    if (endpoint === undefined) {
      const limit = this.limits.get(name) ?? new EndpointLimit(capacity);
      this.limits.set(name, limit);
      endpoint = {
        name,
        limit,
        inFlight: 0,
        held: 0,
        kept: 0,
        waiting: [],
        deferred: new Map(),
        calledBack: new Map(),
      };
      this.endpoints.set(name, endpoint);
    }
    endpoint.limit.carries(capacity);
    return endpoint;
  }

  private get free(): number {
    return this.most - this.held;
  }

  private hasRoom({ held, kept, limit }: Endpoint): boolean {
    const most = Math.max((limit.current * holdMs) / Math.min(limit.answerMs ?? guessMs, holdMs / 2), leastHeld);
    return held + kept === 0 || held + kept < Math.min(most, this.free);
  }

  private add(endpoint: Endpoint, deliveries: number): void {
    endpoint.held += deliveries;
    this.held += deliveries;
  }

  private hold(endpoint: Endpoint, deliveries: number): Promise<Places | undefined> {
    this.add(endpoint, deliveries);
    return new Promise((resolve) => {
      const start = (): void => {
        endpoint.inFlight += deliveries;
        resolve(this.placesOf(endpoint, deliveries));
      };
      const giveUp = (): void => {
        this.add(endpoint, -deliveries);
        resolve(undefined);
      };
      endpoint.waiting.push({ start, giveUp });
      this.startWaiting(endpoint);
    });
  }

  private placesOf(endpoint: Endpoint, deliveries: number): Places {
    let open = deliveries;
    const giveBack = (count: number): void => {
      open -= count;
      endpoint.inFlight -= count;
      this.add(endpoint, -count);
      this.startWaiting(endpoint);
      this.callBack(endpoint);
    };
    return {
      ended: (verdict, ms) => {
        const isUsedUp = endpoint.inFlight >= endpoint.limit.current;
        if (verdict === 'answered') endpoint.limit.answered(ms, isUsedUp);
        else if (verdict === 'failed') endpoint.limit.failed();
        giveBack(Math.min(open, 1));
      },
      leave: () => giveBack(open),
    };
  }

  private startWaiting(endpoint: Endpoint): void {
    while (endpoint.inFlight < endpoint.limit.current) {
      const next = endpoint.waiting.shift();
      if (next === undefined) return;
      next.start();
    }
  }

  /** Calls jobs back while there is room, those first that were deferred first. */
  private callBack(endpoint: Endpoint): void {
    for (const [job, { deliveries, callBack }] of endpoint.deferred) {
      if (this.isClosed || !this.hasRoom(endpoint)) return;
      endpoint.deferred.delete(job);
      const timer = setTimeout(() => this.passOn(endpoint, job), comeBackMs).unref();
      endpoint.calledBack.set(job, { deliveries, timer });
      endpoint.kept += deliveries;
      callBack().then(
        (isComing) => isComing || this.passOn(endpoint, job),
        () => this.passOn(endpoint, job),
      );
    }
    const isIdle = endpoint.held === 0 && endpoint.kept === 0;
    if (isIdle && this.endpoints.get(endpoint.name) === endpoint) this.endpoints.delete(endpoint.name);
  }

  /** Gives the places that were kept for a job to the next ones: another process has it, or it comes back by itself. */
  private passOn(endpoint: Endpoint, job: string): void {
    this.endKeeping(endpoint, job);
    this.callBack(endpoint);
  }

  private endKeeping(endpoint: Endpoint, job: string): void {
    const kept = endpoint.calledBack.get(job);
    if (kept === undefined) return;
    clearTimeout(kept.timer);
    endpoint.calledBack.delete(job);
    endpoint.kept -= kept.deliveries;
  }
}
