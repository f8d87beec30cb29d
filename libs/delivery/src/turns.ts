import type { DeliveryJob } from '@pns/queue';
import { byAcceptance, type Delivery } from '@pns/transport-contract';
import type { Job as QueuedJob } from 'bullmq';

/** A place in the order. `done` may be called more than once. */
export interface Turn {
  /** Resolves when all turns before this one are done. */
  readonly before: Promise<void>;
  readonly done: () => void;
}

/** A turn whose place in the order is not decided yet. */
interface Arrival<Job> {
  readonly job: Job;
  readonly begin: (before: Promise<void>) => void;
  readonly passed: Promise<void>;
}

/**
 * Keeps concurrent jobs in order: each job waits at one point until earlier jobs have passed that point. Jobs take their turns
 * when they are fetched, because BullMQ may start a later job first. Jobs that arrive within one iteration of the event loop are
 * sorted, because one answer of Redis may contain several of them.
 */
export class Turns<Job extends object> {
  private last: Promise<void> = Promise.resolve();
  private arrivals: Arrival<Job>[] = [];
  private readonly turns = new WeakMap<Job, Turn>();

  constructor(private readonly compare: (one: Job, other: Job) => number) {}

  /** Gives a job its turn. Later turns wait until this turn is done. */
  take(job: Job): void {
    let done: () => void = () => undefined;
    let begin: (before: Promise<void>) => void = () => undefined;
    const passed = new Promise<void>((resolve) => (done = resolve));
    const before = new Promise<void>((resolve) => (begin = resolve));
    this.turns.set(job, { before, done });
    if (this.arrivals.push({ job, begin, passed }) === 1) setImmediate(() => this.settle());
  }

  /** The turn that the job has taken. */
  of(job: Job): Turn | undefined {
    return this.turns.get(job);
  }

  private settle(): void {
    const arrivals = this.arrivals.sort(({ job }, other) => this.compare(job, other.job));
    this.arrivals = [];
    for (const { begin, passed } of arrivals) {
      const before = this.last;
      begin(before);
      this.last = before.then(() => passed);
    }
  }
}

/** Compares jobs by the acceptance of their first delivery. The data was not checked yet: it can be any JSON value. */
export function byFirstAcceptance(one: QueuedJob<DeliveryJob>, other: QueuedJob<DeliveryJob>): number {
  const [first, second] = [firstDelivery(one.data), firstDelivery(other.data)];
  return first === undefined || second === undefined ? 0 : byAcceptance(first, second);
}

/** The first delivery of a job, if the job has deliveries that can be ordered. */
function firstDelivery(data: unknown): Delivery | undefined {
  const deliveries = (data as { deliveries?: unknown } | null | undefined)?.deliveries;
  const first: unknown = Array.isArray(deliveries) ? deliveries[0] : undefined;
  return isOrderable(first) ? first : undefined;
}

function isOrderable(delivery: unknown): delivery is Delivery {
  const { dueAt, order } = (delivery ?? {}) as { dueAt?: unknown; order?: unknown };
  return typeof dueAt === 'number' && ['number', 'undefined'].includes(typeof order);
}
