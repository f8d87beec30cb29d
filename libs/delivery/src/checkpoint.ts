import type { Attempt } from '@pns/outcomes';
import type { DeliveryJob } from '@pns/queue';
import { LuaScript, type RedisClient } from '@pns/redis';
import type { Delivery } from '@pns/transport-contract';
import type { Job } from 'bullmq';

/** The result of an attempt without its delivery, because the job contains the delivery. */
type Ended = Omit<Attempt, 'delivery'>;

/** The data that BullMQ stores as the progress of a job. */
interface Progress {
  readonly arrived?: readonly string[];
  /** `startedAt` is absent in attempts that an older version stored. */
  readonly ended?: Readonly<Record<string, Omit<Ended, 'startedAt'> & Partial<Ended>>>;
  /** How many attempts of each delivery in small steps have begun and not ended; see suspects.ts. */
  readonly tries?: Readonly<Record<string, number>>;
}

type WorkedJob = Pick<Job<DeliveryJob>, 'id' | 'progress' | 'queueQualifiedName'>;

/** The field in which workers that have lost the job store the ids of arrived deliveries, separated by blanks. */
const sharedField = 'arrived';

/** Attempts that end within this time share one write, in ms. A job that ends sooner needs no write. */
const collectMs = 25;

const writeProgress = new LuaScript({ folder: __dirname, name: 'checkpoint', numberOfKeys: 1 });
const shareArrived = new LuaScript({ folder: __dirname, name: 'share-arrived', numberOfKeys: 1 });

/**
 * The progress of a job: which deliveries have arrived or were moved to another job, and the results of attempts that are not
 * recorded yet. With it, a job that runs again repeats no attempt. It is stored in Redis for other processes. A failed write is not
 * reported, because its only effect is that attempts are repeated if this process dies.
 */
export class Checkpoint {
  private readonly arrived = new Set<string>();
  private readonly ended = new Map<string, Ended>();
  private readonly tries = new Map<string, number>();
  /** Suspect deliveries that this run has begun to send and that have not ended. */
  private readonly begun = new Set<string>();
  /** Ids of arrived deliveries to store for the worker that has taken the job; undefined while this process has the job. */
  private unshared: string[] | undefined;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly job: WorkedJob,
    private readonly redis?: RedisClient,
  ) {
    this.adopt(job);
  }

  /** Adds the stored progress, which another process may have written. Called when this process runs the job. */
  adopt({ progress }: WorkedJob): void {
    this.unshared = undefined;
    const { arrived = [], ended = {}, tries = {} } = (typeof progress === 'object' ? progress : {}) as Progress;
    for (const [id, one] of Object.entries(ended)) {
      // Older versions store no `startedAt`. With 0, the subscription of a dead target is not removed, because it was registered
      // later than 0. The next delivery to the target removes it.
      if (!this.has(id)) this.ended.set(id, { startedAt: 0, ...one });
    }
    for (const id of arrived) this.arrived.add(id);
    for (const [id, count] of Object.entries(tries)) this.tries.set(id, Math.max(count, this.triesOf(id)));
  }

  /** Whether this job must not send a delivery again. */
  has(id: string): boolean {
    return this.arrived.has(id) || this.ended.has(id);
  }

  /** How many processes died, or were killed, while they sent this delivery in a small step. */
  triesOf(id: string): number {
    return this.tries.get(id) ?? 0;
  }

  /** The attempts of this and earlier runs that have ended and are not recorded yet. */
  unrecorded(deliveries: readonly Delivery[]): Attempt[] {
    const attempts: Attempt[] = [];
    for (const delivery of deliveries) {
      const ended = this.ended.get(delivery.id);
      if (ended !== undefined) attempts.push(attemptOf(delivery, ended));
    }
    return attempts;
  }

  /** Stores attempts until they are recorded. */
  keep(attempts: readonly Attempt[]): void {
    for (const attempt of attempts) this.ended.set(attempt.delivery.id, endedOf(attempt));
    this.timer ??= setTimeout(() => this.write(), collectMs);
  }

  /** Stores the ids of arrived deliveries beside the progress from now on, because another worker now writes the progress. */
  lose(): void {
    this.unshared ??= [...this.arrived];
    this.write();
  }

  /** Adds deliveries that arrived at workers which lost the job. Never rejects: if the read fails, attempts may be repeated. */
  async learn(): Promise<void> {
    const ids = await this.redis?.hget(this.key, sharedField).catch(() => undefined);
    for (const id of ids?.split(' ') ?? []) this.arrived.add(id);
  }

  /** Notes that this job must not send a delivery again. */
  add(id: string): void {
    this.arrived.add(id);
    this.unshared?.push(id);
    this.timer ??= setTimeout(() => this.write(), collectMs);
  }

  /** Notes that all attempts are recorded and that the job is done. */
  close(deliveries: readonly Delivery[]): void {
    for (const { id } of deliveries) this.arrived.add(id);
    this.ended.clear();
  }

  /** Stores, before the deliveries are sent, that this process may die while it sends them. Rejects when the write failed. */
  async begin(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      this.tries.set(id, this.triesOf(id) + 1);
      this.begun.add(id);
    }
    await this.flush();
    await this.send();
  }

  /** Removes the record of `begin`, because this process did not die. */
  survive(): void {
    for (const id of this.begun) this.tries.set(id, this.triesOf(id) - 1);
    this.begun.clear();
  }

  /** Writes all progress that is not written yet, for a job that will run again. */
  async flush(): Promise<void> {
    if (this.timer !== undefined) this.write();
    await this.writing;
  }

  /** Stops writing, because the job is done. */
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
    if (this.unshared !== undefined) {
      const ids = this.unshared.splice(0);
      if (this.redis !== undefined && ids.length > 0) {
        await shareArrived.run(this.redis, this.key, sharedField, ids.join(' '));
      }
      return;
    }
    const progress = {
      arrived: [...this.arrived],
      ended: Object.fromEntries(this.ended),
      ...(this.tries.size > 0 && { tries: Object.fromEntries(this.tries) }),
    } satisfies Progress;
    if (this.redis !== undefined) await writeProgress.run(this.redis, this.key, JSON.stringify(progress));
  }

  private get key(): string {
    return `${this.job.queueQualifiedName}:${this.job.id}`;
  }
}

// The fields are listed, because a spread takes ten times as long and these functions run for each delivery.

function endedOf({ outcome, startedAt, durationMs, isUnsent, nextAttemptInMs }: Attempt): Ended {
  return { outcome, startedAt, durationMs, isUnsent, nextAttemptInMs } satisfies EachOf<Ended>;
}

function attemptOf(delivery: Delivery, { outcome, startedAt, durationMs, isUnsent, nextAttemptInMs }: Ended): Attempt {
  return { delivery, outcome, startedAt, durationMs, isUnsent, nextAttemptInMs } satisfies EachOf<Attempt>;
}

/** Requires each of the fields, so that the compiler reports a missing one. */
type EachOf<Fields> = Readonly<Record<keyof Fields, unknown>>;
