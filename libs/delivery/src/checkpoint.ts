import type { Attempt } from '@pns/outcomes';
import type { DeliveryJob } from '@pns/queue';
import type { Delivery } from '@pns/transport-contract';
import type { Job } from 'bullmq';

/** How an attempt ended, without the delivery, which its job has. */
type Ended = Omit<Attempt, 'delivery'>;

/** What BullMQ keeps of a job as its progress. */
interface Progress {
  readonly arrived?: readonly string[];
  /** Jobs of older versions lack the start. */
  readonly ended?: Readonly<Record<string, Omit<Ended, 'startedAt'> & Partial<Ended>>>;
}

/** What ends within this time shares one write, in ms; a job that is done sooner needs none. */
const collectMs = 25;

/**
 * Writes down which deliveries of a job have arrived, or are another job's by now, so that a job run again after a crash
 * repeats only what was in flight, and how those ended that could not be recorded, so that they are recorded later and not sent
 * once more. A write that fails costs a repetition, nothing else, so nobody is told.
 */
export class Checkpoint {
  private readonly arrived: Set<string>;
  private readonly ended: Map<string, Ended>;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<unknown> = Promise.resolve();

  constructor(private readonly job: Job<DeliveryJob>) {
    const { arrived = [], ended = {} } = (typeof job.progress === 'object' ? job.progress : {}) as Progress;
    this.arrived = new Set(arrived);
    // A target that was dead at a time nobody knows is kept: it will say so again.
    this.ended = new Map(Object.entries(ended).map(([id, one]) => [id, { startedAt: 0, ...one }]));
  }

  /** Whether a delivery is not to be sent any more. */
  has(id: string): boolean {
    return this.arrived.has(id) || this.ended.has(id);
  }

  /** The attempts that ended when the job was run before, and are still to be recorded. */
  unrecorded(deliveries: readonly Delivery[]): Attempt[] {
    return deliveries.flatMap((delivery) => {
      const ended = this.ended.get(delivery.id);
      return ended === undefined ? [] : [{ delivery, ...ended }];
    });
  }

  /** Remembers attempts that could not be recorded. */
  keep(attempts: readonly Attempt[]): void {
    for (const { delivery, ...ended } of attempts) this.ended.set(delivery.id, ended);
    this.timer ??= setTimeout(() => this.write(), collectMs);
  }

  /** Remembers a delivery that is not to be sent by this job any more. */
  add(id: string): void {
    this.arrived.add(id);
    this.timer ??= setTimeout(() => this.write(), collectMs);
  }

  /** Writes what is not written yet, for a job that will be run again. */
  async flush(): Promise<void> {
    if (this.timer !== undefined) this.write();
    await this.writing;
  }

  /** Lets go of a job that is done: there is nothing left to remember. */
  async discard(): Promise<void> {
    clearTimeout(this.timer);
    await this.writing;
  }

  private write(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const progress = { arrived: [...this.arrived], ended: Object.fromEntries(this.ended) } satisfies Progress;
    this.writing = this.writing.then(() => this.job.updateProgress(progress)).catch(() => undefined);
  }
}
