import { LRUCache } from 'lru-cache';
import { EndpointLimit } from './endpoint-limit';

/** A job that asks for places: one for each of its deliveries. */
export interface PlaceRequest {
  readonly endpoint: string;
  /** How many deliveries the connections to the endpoint can carry at once. */
  readonly capacity: number;
  /** Unique in this process. */
  readonly job: string;
  readonly deliveries: number;
  /** Ends the deferral of the job. Resolves with false when the job is not deferred any more. */
  readonly callBack: () => Promise<boolean>;
}

/** What the end of a delivery says about its endpoint. */
export type Verdict = 'answered' | 'failed' | 'nothing';

/** The places of a job that has started. */
export interface Places {
  /** Releases the place of a delivery that ended `ms` after it was sent. */
  ended(verdict: Verdict, ms: number): void;
  /** The job is over: releases the places of deliveries that did not end. */
  leave(): void;
}

/** An endpoint may have as many deliveries in this process as it accepts in `holdMs`, in flight or waiting, and at least `leastHeld`. */
const [holdMs, leastHeld] = [5000, 200] as const;

/** At most this many deferred jobs of an endpoint are called back in order; further ones run when their pause ends. */
const maxDeferred = 10_000;

/** Places are reserved this long for a job that was called back, in ms. If it does not come, another process runs it. */
const comeBackMs = 500;

/** Shortest and longest pause of a deferred job that is not called back, in ms: the process that deferred it may die. */
const [leastPauseMs, mostPauseMs] = [50, 15_000] as const;

/** The assumed duration of an answer before the first answer, in ms. */
const guessMs = 1000;

interface Waiting {
  readonly start: () => void;
  readonly giveUp: () => void;
}

interface Endpoint {
  readonly name: string;
  readonly limit: EndpointLimit;
  inFlight: number;
  /** Deliveries in flight or waiting in this process. */
  held: number;
  /** Places reserved for jobs that were called back and have not come yet. */
  kept: number;
  readonly waiting: Waiting[];
  readonly deferred: Map<string, PlaceRequest>;
  readonly calledBack: Map<string, { readonly deliveries: number; readonly timer: NodeJS.Timeout }>;
}

/**
 * Divides the places of a process, one for each delivery, among endpoints. An endpoint has as many deliveries in flight as its limit
 * allows, and as many waiting as it accepts in five seconds. It uses at most as many places as it leaves
 * free, but at least those of one job. Further jobs are deferred, and called back in order.
 */
export class DeliveryPlaces {
  private readonly endpoints = new Map<string, Endpoint>();
  private readonly limits = new LRUCache<string, EndpointLimit>({ max: 10_000 });
  private held = 0;
  private isClosed = false;

  /** `most` is the number of places. One job of each endpoint may exceed it. */
  constructor(private readonly most: number) {}

  /** Resolves with places when the job may start, and with undefined when it must be deferred for `pauseMs`. */
  async enter(request: PlaceRequest): Promise<Places | undefined> {
    const endpoint = this.endpoint(request);
    this.endKeeping(endpoint, request.job);
    // A job may use places that are reserved for another job rather than leave a connection idle.
    const mayStart = endpoint.held < Math.min(endpoint.limit.current, this.free);
    if (this.isClosed || !(mayStart || this.hasRoom(endpoint))) return undefined;
    endpoint.deferred.delete(request.job);
    return this.hold(endpoint, request.deliveries);
  }

  /** Registers a deferred job, which is called back in its turn. After `close` it is called back at once, for other processes. */
  defer(request: PlaceRequest): void {
    if (this.isClosed) return void request.callBack().catch(() => undefined);
    const endpoint = this.endpoint(request);
    if (endpoint.deferred.size >= maxDeferred) return;
    endpoint.deferred.set(request.job, request);
    this.callBack(endpoint);
  }

  /** The pause of a deferred job that is not called back, in ms: longer than the expected time until its turn. `random` is in [0, 1). */
  pauseMs(name: string, random = Math.random()): number {
    const endpoint = this.endpoints.get(name);
    if (endpoint === undefined || this.isClosed) return leastPauseMs;
    const { deferred, held, limit } = endpoint;
    const turnMs = ((deferred.size + held) * (limit.answerMs ?? guessMs)) / limit.current;
    return Math.ceil(Math.min(Math.max(2 * turnMs, leastPauseMs), mostPauseMs) * (0.75 + 0.25 * random));
  }

  /** Defers all waiting and all new jobs, and calls back the deferred ones for other processes. */
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

  /** Calls deferred jobs back while there are places, in the order of their deferral. */
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

  /** Gives the places reserved for a job to the next jobs: another process runs the job, or it runs when its pause ends. */
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
