import type { DeliveryJob } from '@pns/queue';
import type { Job } from 'bullmq';

/** What ends within this time shares one write, in ms; a job that is done sooner needs none. */
const collectMs = 25;

/**
 * Writes down which deliveries of a job have arrived, so that a job run again after a crash repeats only what was in
 * flight. A write that fails costs a repetition, nothing else, so nobody is told.
 */
export class Checkpoint {
  private readonly arrived: Set<string>;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<unknown> = Promise.resolve();

  constructor(private readonly job: Job<DeliveryJob>) {
    const { progress } = job;
    const ids = typeof progress === 'object' && 'arrived' in progress ? progress.arrived : [];
    this.arrived = new Set(Array.isArray(ids) ? ids.map(String) : []);
  }

  has(id: string): boolean {
    return this.arrived.has(id);
  }

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
    const progress = { arrived: [...this.arrived] };
    this.writing = this.writing.then(() => this.job.updateProgress(progress)).catch(() => undefined);
  }
}
