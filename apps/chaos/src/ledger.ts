import type { EndsOf, Unanswered } from './attempts';

/** A delivery that reached a far side and was accepted by it. It belongs to one notification. */
export interface Arrived {
  /** When it arrived, in ms since the epoch. */
  readonly at: number;
  /** The transport. */
  readonly stream: string;
  readonly id: string;
  /** When it was sent, in ms since the epoch, if the request contains this. */
  readonly sentAt?: number | undefined;
}

/** Why deliveries may arrive twice: a fault that kept a worker from getting the answer or from storing it. */
interface Disturbance {
  readonly reason: string;
  readonly stream: string;
  /** Ms since the epoch. */
  readonly from: number;
  to: number;
  /** How long the fault has effects after its end, in ms. */
  readonly effectMs: number;
}

// A busy machine stops each process from time to time, so `stalledMs` is added to these three times.

/** The most time, in ms, that an undisturbed worker needs to store an arrival, or to end a job that it has logged as done. */
const inFlightMs = 1000;

/** How long after the end of a fault deliveries may be repeated, in ms. In this time, workers reconnect and take over jobs. */
const recoveryMs = 10_000;

/** A far side notes an arrival at most this long after the worker has ended the attempt, in ms. */
const notedLateMs = 1000;

/** The time-out of a webhook request, in ms: `timeoutMillis`. */
const webhookTimeoutMs = 5000;

/** A delivery that arrived twice, with the times of both, in ms since the epoch. */
export interface Doubled {
  readonly id: string;
  readonly first: number;
  readonly at: number;
  /** Why it was repeated; undefined if no fault explains it. */
  readonly reason: string | undefined;
}

/** The reason of a repeat whose previous request was answered after its time-out. */
const answeredLate = 'answered late';

/** The result of one stream of deliveries. */
export interface Account {
  readonly stream: string;
  readonly expected: number;
  readonly lost: readonly string[];
  /** The number of repeated arrivals. */
  readonly doubled: number;
  /** The number of repeated arrivals for each reason. */
  readonly reasons: ReadonlyMap<string, number>;
  /** Doubled deliveries that no fault explains. */
  readonly unexplained: readonly Doubled[];
  /** Time from the 202 to the first arrival, in ms. */
  readonly delays: { readonly p50: number; readonly p99: number; readonly longest: number };
}

/** Records accepted notifications, arrivals and faults, and compares them. */
export class Ledger {
  private readonly postedAt = new Map<string, number>();
  private readonly acceptedAt = new Map<string, number>();
  private readonly arrivals = new Map<string, Map<string, Times[]>>();
  private readonly disturbances: Disturbance[] = [];
  private readonly outages: { readonly from: number; to: number }[] = [];
  /** By stream, how many accepted deliveries have not arrived. */
  private readonly missing = new Map<string, number>();
  /** The longest time that the driver stood still during the run, in ms. Other processes of the machine may stall as long. */
  stalledMs = 0;
  /** The longest time that Redis took for a write while it was not away, in ms. It is only reported, and explains no repeat. */
  slowestWriteMs = 0;
  /** When a delivery last arrived for the first time, in ms since the epoch. Repeated arrivals do not change it. */
  lastArrivalAt = Date.now();

  constructor(readonly streams: readonly string[]) {
    for (const stream of streams) this.arrivals.set(stream, new Map());
  }

  /** Records the time of a post. Must be called right before the notifications are posted for the first time. */
  posted(ids: readonly string[]): void {
    for (const id of ids) this.postedAt.set(id, Date.now());
  }

  accepted(id: string): void {
    this.acceptedAt.set(id, Date.now());
    for (const [stream, arrived] of this.arrivals) if (!arrived.has(id)) this.addMissing(stream, 1);
  }

  /** Records an arrival. Returns whether the delivery arrived for the first time. */
  arrived({ at, stream, id, sentAt }: Arrived): boolean {
    const arrivals = this.arrivals.get(stream);
    if (arrivals === undefined) return false;
    const times = arrivals.get(id);
    if (times !== undefined) {
      times.push({ at, sentAt });
      return false;
    }
    this.lastArrivalAt = Date.now();
    arrivals.set(id, [{ at, sentAt }]);
    if (this.acceptedAt.has(id)) this.addMissing(stream, -1);
    return true;
  }

  /** Records that a process was killed. Only the death of a worker can repeat deliveries. */
  died(app: string): void {
    this.disturbed('killed', app.replace('worker-', ''), 0)();
  }

  /** Records a fault that may repeat deliveries of the stream, until `effectMs` after the returned function is called. */
  disturbed(reason: string, stream: string, effectMs = recoveryMs): () => void {
    const disturbance: Disturbance = { reason, stream, from: Date.now(), to: Infinity, effectMs };
    this.disturbances.push(disturbance);
    return () => (disturbance.to = Date.now());
  }

  /** Records that Redis accepts no writes until the returned function is called. */
  redisWentAway(): () => void {
    const outage = { from: Date.now(), to: Infinity };
    this.outages.push(outage);
    return () => (outage.to = Date.now());
  }

  /** Records a write of Redis, with its start and its end in ms since the epoch. A write during an outage does not count. */
  written(from: number, to: number): void {
    if (this.outages.some((outage) => outage.from <= to && from <= outage.to)) return;
    this.slowestWriteMs = Math.max(this.slowestWriteMs, to - from);
  }

  /** When the notification was accepted, in ms since the epoch. */
  acceptanceOf(id: string): number {
    return this.acceptedAt.get(id) ?? NaN;
  }

  /** Whether `earlier` was accepted before `later` was posted, so that both must arrive in this order. */
  isBefore(earlier: string, later: string): boolean {
    return this.acceptanceOf(earlier) < (this.postedAt.get(later) ?? NaN);
  }

  /** How many accepted deliveries have not arrived. Deliveries to sockets with `isKnown` may never arrive, and do not count. */
  openExcept(isKnown: (id: string) => boolean): number {
    const missing = [...this.missing.values()].reduce((sum, count) => sum + count, 0);
    return missing === 0 ? 0 : missing - this.openOf('websocket').filter(isKnown).length;
  }

  /** The number of accepted deliveries of each stream that have not arrived, as text. */
  get openStreams(): string {
    return (
      [...this.missing].flatMap(([stream, count]) => (count === 0 ? [] : `${count} of ${stream}`)).join(', ') || 'none'
    );
  }

  get count(): number {
    return this.acceptedAt.size;
  }

  /** The result of each stream. `unanswered`: attempts that got no answer; `endsOf`: when PNS recorded the attempts. */
  accounts(unanswered: readonly Unanswered[], endsOf: EndsOf): Account[] {
    return this.streams.map((stream) =>
      this.account(
        stream,
        unanswered.filter((each) => each.stream === stream),
        endsOf,
      ),
    );
  }

  private account(stream: string, unanswered: readonly Unanswered[], endsOf: EndsOf): Account {
    const arrivals = this.arrivals.get(stream) ?? new Map<string, Times[]>();
    const doubled = [...arrivals].flatMap(([id, times]) =>
      this.doublesOf(stream, id, times, unanswered, endsOf(stream, id)),
    );
    const reasons = new Map<string, number>();
    for (const { reason } of doubled) if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    const delays = [...this.acceptedAt].flatMap(([id, accepted]) => {
      const first = arrivals.get(id)?.[0]?.at;
      return first === undefined ? [] : [first - accepted];
    });
    delays.sort((a, b) => a - b);
    const share = (part: number): number => delays[Math.max(0, Math.ceil(part * delays.length) - 1)] ?? NaN;
    return {
      stream,
      expected: this.acceptedAt.size,
      lost: this.openOf(stream),
      doubled: doubled.length,
      reasons,
      unexplained: doubled.filter(({ reason }) => reason === undefined),
      delays: { p50: share(0.5), p99: share(0.99), longest: share(1) },
    };
  }

  private addMissing(stream: string, count: number): void {
    this.missing.set(stream, (this.missing.get(stream) ?? 0) + count);
  }

  private openOf(stream: string): string[] {
    return [...this.acceptedAt.keys()].filter((id) => this.arrivals.get(stream)?.has(id) !== true);
  }

  /** The repeated arrivals of a notification, with their reasons. */
  private doublesOf(
    stream: string,
    id: string,
    times: readonly Times[],
    unanswered: readonly Unanswered[],
    ends: readonly number[],
  ): Doubled[] {
    return times.slice(1).map(({ at }, index) => {
      const before = times[index] as Times;
      // A worker on a busy machine reads answers late, so its log line counts. Without a line, the delivery was open until `at`.
      const notedFrom = before.at - notedLateMs - this.stalledMs;
      const recorded = ends.filter((end) => end >= notedFrom && end <= at);
      const recordedAt = recorded.length === 0 ? at : Math.min(...recorded);
      const silent = unanswered.find((each) => each.id === id && each.at >= notedFrom && each.at <= at);
      const cause =
        this.disturbanceOf(stream, before.at, at, recordedAt)?.reason ??
        silent?.reason ??
        this.outageOf(before.at, recordedAt);
      const reason = isLate(before) ? answeredLate : cause;
      return { id, first: before.at, at, reason };
    });
  }

  private get inFlightMs(): number {
    return inFlightMs + this.stalledMs;
  }

  /**
   * The reason of a repeated arrival if Redis was away. Then no worker can store an arrival or renew a job's lock, so another
   * worker takes the job.
   */
  private outageOf(first: number, recordedAt: number): string | undefined {
    const isDuring = this.outages.some(
      ({ from, to }) => recordedAt >= from - this.inFlightMs && first <= to + recoveryMs + this.stalledMs,
    );
    return isDuring ? 'Redis away' : undefined;
  }

  /** The fault that disturbed the stream after the first arrival and before the worker could store it. */
  private disturbanceOf(stream: string, first: number, second: number, recordedAt: number): Disturbance | undefined {
    const outage = this.outages.find(({ from, to }) => recordedAt >= from - this.inFlightMs && first <= to);
    const storedBy = Math.max(outage?.to ?? first, recordedAt) + this.inFlightMs;
    const begunBy = first - this.inFlightMs;
    return this.disturbances.find(
      (each) =>
        each.stream === stream &&
        each.to + each.effectMs + this.stalledMs >= begunBy &&
        each.from <= storedBy &&
        each.from <= second,
    );
  }
}

/** The times of an arrival. The far side answers at once, so `at` is also the time of the answer. */
type Times = Pick<Arrived, 'at' | 'sentAt'>;

/** Whether the far side answered after the time-out. */
function isLate({ at, sentAt }: Times): boolean {
  return sentAt !== undefined && at - sentAt >= webhookTimeoutMs;
}
