import type { Attempt } from '@pns/outcomes';
import type { DeliveryJob } from '@pns/queue';
import { LuaScript, type RedisClient } from '@pns/redis';
import type { Delivery } from '@pns/transport-contract';
import type { Job } from 'bullmq';

/** How an attempt ended, without the delivery, which its job has. */
type Ended = Omit<Attempt, 'delivery'>;

/** What BullMQ keeps of a job as its progress. */
interface Progress {
  readonly arrived?: readonly string[];
  /** Jobs of older versions lack the start. */
  readonly ended?: Readonly<Record<string, Omit<Ended, 'startedAt'> & Partial<Ended>>>;
  /** How often each delivery was being sent by a process that had been told to take care. */
  readonly tries?: Readonly<Record<string, number>>;
}

type WorkedJob = Pick<Job<DeliveryJob>, 'id' | 'progress' | 'queueQualifiedName'>;

/** Attempts that end within this time share one write, in ms; a job that is done sooner needs none. */
const collectMs = 25;

const writeProgress = new LuaScript({ folder: __dirname, name: 'checkpoint', numberOfKeys: 1 });

/**
 * Knows which deliveries of a job have arrived, or are another job's by now, and how those ended that are not recorded yet, so
 * that a job that is run again makes no attempt twice. It is written to Redis for other processes: a write that fails
 * costs a repetition after the death of this process, and nothing else, so it is not reported.
 */
export class Checkpoint {
  private readonly arrived = new Set<string>();
  private readonly ended = new Map<string, Ended>();
  private readonly tries = new Map<string, number>();
  /** Deliveries that this run has begun with care and that have not ended. */
  private readonly begun = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly job: WorkedJob,
    private readonly redis?: RedisClient,
  ) {
    this.adopt(job);
  }

  /** Adds what another process has written meanwhile. */
  adopt({ progress }: WorkedJob): void {
    const { arrived = [], ended = {}, tries = {} } = (typeof progress === 'object' ? progress : {}) as Progress;
    for (const [id, one] of Object.entries(ended)) {
      // A target that was dead at a time nobody knows is kept: it will say so again.
      if (!this.has(id)) this.ended.set(id, { startedAt: 0, ...one });
    }
    for (const id of arrived) this.arrived.add(id);
    for (const [id, count] of Object.entries(tries)) this.tries.set(id, Math.max(count, this.triesOf(id)));
  }

  /** Whether a delivery must not be sent any more. */
  has(id: string): boolean {
    return this.arrived.has(id) || this.ended.has(id);
  }

  /** How many processes died, or were stopped by force, while they sent this delivery with care. */
  triesOf(id: string): number {
    return this.tries.get(id) ?? 0;
  }

  /** The attempts that have ended, now or when the job was run before, and are not recorded yet. */
  unrecorded(deliveries: readonly Delivery[]): Attempt[] {
    return deliveries.flatMap((delivery) => {
      const ended = this.ended.get(delivery.id);
      return ended === undefined ? [] : [{ delivery, ...ended }];
    });
  }

  /** Remembers attempts until they are recorded. */
  keep(attempts: readonly Attempt[]): void {
    for (const { delivery, ...ended } of attempts) this.ended.set(delivery.id, ended);
    this.timer ??= setTimeout(() => this.write(), collectMs);
  }

  /** Remembers a delivery that must not be sent by this job any more. */
  add(id: string): void {
    this.arrived.add(id);
    this.timer ??= setTimeout(() => this.write(), collectMs);
  }

  /** Forgets how the attempts ended, which are recorded, and that nothing of the job is left to do. */
  close(deliveries: readonly Delivery[]): void {
    for (const { id } of deliveries) this.arrived.add(id);
    this.ended.clear();
  }

  /** Notes, before they are sent, that this process may die of one of these deliveries. Rejects when that was not written. */
  async begin(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      this.tries.set(id, this.triesOf(id) + 1);
      this.begun.add(id);
    }
    await this.flush();
    await this.send();
  }

  /** This process has survived what it began. */
  survive(): void {
    for (const id of this.begun) this.tries.set(id, this.triesOf(id) - 1);
    this.begun.clear();
  }

  /** Writes everything that is not written yet, for a job that will be run again. */
  async flush(): Promise<void> {
    if (this.timer !== undefined) this.write();
    await this.writing;
  }

  /** Writes nothing more: the job is done, or another worker's. */
  async discard(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.writing;
  }

  private write(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing = this.writing.then(() => this.send()).catch(() => undefined);
  }

  private async send(): Promise<void> {
    const progress = {
      arrived: [...this.arrived],
      ended: Object.fromEntries(this.ended),
      ...(this.tries.size > 0 && { tries: Object.fromEntries(this.tries) }),
    } satisfies Progress;
    const key = `${this.job.queueQualifiedName}:${this.job.id}`;
    if (this.redis !== undefined) await writeProgress.run(this.redis, key, JSON.stringify(progress));
  }
}
