import { LRUCache } from 'lru-cache';
import { EndpointLimit } from './endpoint-limit';

/** A job that asks for places for its deliveries. */
export interface PlaceRequest {
  readonly endpoint: string;
  /** How many deliveries the connections to the endpoint can carry at once. */
  readonly capacity: number;
  /** The id of the job, unique in this process. */
  readonly job: string;
  readonly deliveries: number;
  /** How many places each of its deliveries takes, an integer. Large payloads take several, because places limit the memory. */
  readonly size: number;
  /** Ends the deferral of the job. Resolves with false when the job is not deferred any more. */
  readonly wake: () => Promise<boolean>;
}

/** Whether the endpoint of an ended delivery has answered or failed; `nothing` if the end does not show it. */
export type Verdict = 'answered' | 'failed' | 'nothing';

/** The places of a job that has started. */
export interface Places {
  /** Releases the places of a delivery that ended `ms` after it was sent. */
  ended(verdict: Verdict, ms: number): void;
  /** Releases the places of deliveries that did not end, when the job is over. */
  leave(): void;
}

/**
 * An endpoint may have as many deliveries in this process as it accepts in `waitingMs`, in flight or waiting, and at least
 * `leastOccupied`.
 */
const [waitingMs, leastOccupied] = [5000, 200] as const;

/** At most this many deferred jobs of an endpoint are woken in order; further ones run when their pause ends. */
const maxDeferred = 10_000;

/** Places are reserved this long for a job that was woken, in ms. If the job does not start in this time, another process runs it. */
const reservationMs = 500;

/** Bounds of the pause after which a deferred job runs even if no process wakes it, in ms, because that process may have died. */
const [leastPauseMs, mostPauseMs] = [50, 15_000] as const;

/** The assumed time that an answer takes, until the first answer has come, in ms. */
const guessMs = 1000;

interface Waiting {
  readonly start: () => void;
  readonly withdraw: () => void;
}

interface Endpoint {
  readonly name: string;
  readonly limit: EndpointLimit;
  inFlight: number;
  /** Deliveries in flight or waiting in this process. */
  occupied: number;
  /** Deliveries of jobs that were woken and have not started yet. */
  reserved: number;
  /** The places of the occupied and the reserved deliveries. */
  places: number;
  readonly waiting: Waiting[];
  readonly deferred: Map<string, PlaceRequest>;
  /** Deliveries of the deferred jobs. */
  behind: number;
  readonly woken: Map<string, { readonly request: PlaceRequest; readonly timer: NodeJS.Timeout }>;
}

/**
 * Divides the places of a process among endpoints. Places limit the memory of deliveries. An endpoint has as many deliveries in
 * flight as its limit allows, and as many waiting as it accepts in five seconds. It gets further places only while it uses fewer
 * places than are free; an endpoint that uses none always gets the places of one job. Further jobs are deferred, and woken in
 * order.
 */
export class DeliveryPlaces {
  private readonly endpoints = new Map<string, Endpoint>();
  private readonly limits = new LRUCache<string, EndpointLimit>({ max: 10_000 });
  /** Places of deliveries in flight or waiting. */
  private occupied = 0;
  /** Places of jobs that were woken and have not started yet. */
  private reserved = 0;
  private isClosed = false;

  /** `most` is the number of places. Only a job with more deliveries than free places exceeds it, at most one for each endpoint. */
  constructor(private readonly most: number) {}

  /** Resolves with places when the job may start, and with undefined when it must be deferred for `pauseMs`. */
  async enter(request: PlaceRequest): Promise<Places | undefined> {
    const endpoint = this.endpoint(request);
    this.endReservation(endpoint, request.job);
    // A job may use places that are reserved for another job rather than leave a connection idle.
    const mayStart = endpoint.occupied < endpoint.limit.current && endpoint.places < this.free;
    if (this.isClosed || !(mayStart || this.hasRoom(endpoint))) return undefined;
    takeDeferred(endpoint, request.job);
    return this.occupy(endpoint, request);
  }

  /** Registers a deferred job, which is woken in its turn. After `close` it is woken at once and runs in another process. */
  defer(request: PlaceRequest): void {
    if (this.isClosed) return void request.wake().catch(() => undefined);
    const endpoint = this.endpoint(request);
    if (endpoint.deferred.size >= maxDeferred) return;
    takeDeferred(endpoint, request.job);
    endpoint.deferred.set(request.job, request);
    endpoint.behind += request.deliveries;
    this.wake(endpoint);
  }

  /** The pause of a deferred job that is not woken, in ms: longer than the expected time until its turn. `random` is in [0, 1). */
  pauseMs(name: string, random = Math.random()): number {
    const endpoint = this.endpoints.get(name);
    if (endpoint === undefined || this.isClosed) return leastPauseMs;
    const { behind, occupied, inFlight, limit } = endpoint;
    // By Little's law, as many deliveries end in an answer time as are in flight. On a busy machine these are fewer than the limit.
    const turnMs = ((behind + occupied) * (limit.answerMs ?? guessMs)) / (inFlight || limit.current);
    return Math.ceil(Math.min(Math.max(2 * turnMs, leastPauseMs), mostPauseMs) * (0.75 + 0.25 * random));
  }

  /** Defers all waiting and all new jobs, and wakes the deferred ones, which other processes run. */
  async close(): Promise<void> {
    this.isClosed = true;
    const calls: Promise<unknown>[] = [];
    for (const { waiting, woken, deferred } of this.endpoints.values()) {
      for (const { withdraw } of waiting.splice(0)) withdraw();
      for (const { timer } of woken.values()) clearTimeout(timer);
      for (const { wake } of deferred.values()) calls.push(wake());
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
        occupied: 0,
        reserved: 0,
        places: 0,
        waiting: [],
        deferred: new Map(),
        behind: 0,
        woken: new Map(),
      };
      this.endpoints.set(name, endpoint);
    }
    endpoint.limit.carries(capacity);
    return endpoint;
  }

  private get free(): number {
    return this.most - this.occupied;
  }

  private hasRoom({ occupied, reserved, places, limit }: Endpoint): boolean {
    const most = Math.max(
      (limit.current * waitingMs) / Math.min(limit.answerMs ?? guessMs, waitingMs / 2),
      leastOccupied,
    );
    const all = occupied + reserved;
    return all === 0 || (all < most && places < this.free - this.reserved);
  }

  private occupyPlaces(endpoint: Endpoint, deliveries: number, size: number): void {
    endpoint.occupied += deliveries;
    endpoint.places += deliveries * size;
    this.occupied += deliveries * size;
  }

  private reservePlaces(endpoint: Endpoint, deliveries: number, size: number): void {
    endpoint.reserved += deliveries;
    endpoint.places += deliveries * size;
    this.reserved += deliveries * size;
  }

  private occupy(endpoint: Endpoint, request: PlaceRequest): Promise<Places | undefined> {
    const { deliveries, size } = request;
    this.occupyPlaces(endpoint, deliveries, size);
    return new Promise((resolve) => {
      const start = (): void => {
        endpoint.inFlight += deliveries;
        resolve(this.placesOf(endpoint, request));
      };
      const withdraw = (): void => {
        this.occupyPlaces(endpoint, -deliveries, size);
        resolve(undefined);
      };
      endpoint.waiting.push({ start, withdraw });
      this.startWaiting(endpoint);
    });
  }

  private placesOf(endpoint: Endpoint, { deliveries, size }: PlaceRequest): Places {
    let open = deliveries;
    const release = (count: number): void => {
      open -= count;
      endpoint.inFlight -= count;
      this.occupyPlaces(endpoint, -count, size);
      this.startWaiting(endpoint);
      this.wake(endpoint);
    };
    return {
      ended: (verdict, ms) => {
        const isUsedUp = endpoint.inFlight >= endpoint.limit.current;
        if (verdict === 'answered') endpoint.limit.answered(ms, isUsedUp);
        else if (verdict === 'failed') endpoint.limit.failed();
        release(Math.min(open, 1));
      },
      leave: () => release(open),
    };
  }

  private startWaiting(endpoint: Endpoint): void {
    while (endpoint.inFlight < endpoint.limit.current) {
      const next = endpoint.waiting.shift();
      if (next === undefined) return;
      next.start();
    }
  }

  /** Wakes deferred jobs while there are places, in the order of their deferral. */
  private wake(endpoint: Endpoint): void {
    for (const [job, request] of endpoint.deferred) {
      if (this.isClosed || !this.hasRoom(endpoint)) return;
      takeDeferred(endpoint, job);
      const timer = setTimeout(() => this.passReservation(endpoint, job), reservationMs).unref();
      endpoint.woken.set(job, { request, timer });
      this.reservePlaces(endpoint, request.deliveries, request.size);
      request.wake().then(
        (isComing) => isComing || this.passReservation(endpoint, job),
        () => this.passReservation(endpoint, job),
      );
    }
    const isIdle = endpoint.occupied === 0 && endpoint.reserved === 0;
    if (isIdle && this.endpoints.get(endpoint.name) === endpoint) this.endpoints.delete(endpoint.name);
  }

  /** Gives the places reserved for a job to the next jobs. The job runs in another process, or when its pause ends. */
  private passReservation(endpoint: Endpoint, job: string): void {
    this.endReservation(endpoint, job);
    this.wake(endpoint);
  }

  private endReservation(endpoint: Endpoint, job: string): void {
    const reserved = endpoint.woken.get(job);
    if (reserved === undefined) return;
    clearTimeout(reserved.timer);
    endpoint.woken.delete(job);
    this.reservePlaces(endpoint, -reserved.request.deliveries, reserved.request.size);
  }
}

/** Removes a job from the deferred ones, if it is among them. */
function takeDeferred(endpoint: Endpoint, job: string): void {
  endpoint.behind -= endpoint.deferred.get(job)?.deliveries ?? 0;
  endpoint.deferred.delete(job);
}
