import { randomUUID } from 'node:crypto';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { aggregationQueue, assertJobVersion, Queues, type Origin, type TickJob } from '@pns/queue';
import type { MemoryUse } from '@pns/redis';
import { log } from '@pns/runtime';
import { DelayedError, type Job, type Worker } from 'bullmq';
import { bulkhead, type IPolicy } from 'cockatiel';
import type { Ticks } from './ticks';
import type { Batch, Settled, Windows } from './windows';

/** Most windows in a batch: one query for subscriptions, a few hundred deliveries. */
export const maxWindowsPerBatch = 500;

/** How often every shard is looked at without a tick, in ms, should ticks have been lost. */
const sweepEveryMs = 5000;

/** A batch that is older than this and whose job is gone gets a new job, in ms. */
const orphanAfterMs = 60_000;

/** Deliveries take more memory than windows, and whoever sends them needs some to take them up: the rest; ADR 0014. */
const maxMemoryUse = 0.95;

/** A tick that finds no room for deliveries comes back after this time, in ms. */
const untilRoomMs = 1000;

/** What settles the next `count` windows of a batch of which `left` are left. */
export type Settling = (left: number, count: number) => Origin<Settled>;

/**
 * Puts the deliveries of a batch where they survive this process, and settles its windows in the same steps, from the first
 * one on. After a fault it is called again with what is left of the batch.
 */
export type OnBatch = (batch: Batch, settling: Settling) => Promise<Settled>;

/** Works on ticks: takes batches of due windows and passes them to `onBatch`. */
@Injectable()
export class TickWorker implements BeforeApplicationShutdown {
  private workers: Worker<TickJob>[] = [];
  private slots: IPolicy = bulkhead(1);
  private size = 0;

  constructor(
    private readonly queues: Queues,
    private readonly windows: Windows,
    private readonly ticks: Ticks,
    private readonly cascade: ConfigCascade,
    private readonly memory: MemoryUse,
  ) {}

  /** Starts to take ticks. The caller is the app, which joins this stage to the next one. */
  async start(onBatch: OnBatch): Promise<void> {
    this.resize();
    this.cascade.onChange(() => this.resize());
    this.workers = this.queues.keys.all().map((shard) => {
      const group = this.queues.keys.group(shard);
      return this.queues.worker<TickJob>(
        group,
        aggregationQueue,
        (job, token) => this.work(shard, job, token, onBatch),
        {
          concurrency: this.threads(),
        },
      );
    });
    const shards = this.queues.keys.all();
    await Promise.all(
      shards.map(async (shard) => {
        const queue = this.queues.queue<TickJob>(this.queues.keys.group(shard), aggregationQueue);
        // One shard after the other: all at once would hold up whatever is dispatched meanwhile.
        const offset = Math.ceil(((shard + 1) / shards.length) * sweepEveryMs) - 1;
        const job = { name: 'sweep', data: { v: 1, dueAt: 0 } as const };
        await queue.upsertJobScheduler('sweep', { every: sweepEveryMs, offset }, job);
      }),
    );
  }

  /** Lets batches in flight finish and takes no more. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close()));
  }

  private threads(): number {
    return this.cascade.resolve('com.openexchange.pns.numProcessorThreads').value;
  }

  /** Every shard's worker may take up to all of the process' threads; together they share these slots. */
  private resize(): void {
    const threads = this.threads();
    if (threads === this.size) return; // new slots do not know what is worked on in the old ones
    this.size = threads;
    this.slots = bulkhead(threads, Number.MAX_SAFE_INTEGER);
    for (const worker of this.workers) worker.concurrency = threads;
  }

  private work(shard: number, job: Job<TickJob>, token: string = randomUUID(), onBatch: OnBatch): Promise<void> {
    assertJobVersion('tick', job.data);
    return this.slots.execute(async () => {
      const isSweep = job.name === 'sweep';
      if (await this.isNearlyFull()) return isSweep ? undefined : this.putOff(job, untilRoomMs, token);
      if (isSweep) await this.adoptOrphans(shard);
      const batch = await this.windows.take(shard, String(job.id), token, maxWindowsPerBatch);
      await this.scheduleWhatIsLeft(batch);
      if (batch.windows.length > 0) return this.finish(batch, onBatch);
      // The clocks of this process and Redis differ, and the tick came before its time.
      if (job.data.dueAt > batch.clock) await this.putOff(job, job.data.dueAt - batch.clock, token);
    });
  }

  /** Nearly always answered without asking Redis; where there seems to be no room, Redis is asked, so that new room is seen. */
  private async isNearlyFull(): Promise<boolean> {
    return this.memory.isAbove(maxMemoryUse) && (await this.memory.isAboveNow(maxMemoryUse));
  }

  private async putOff(job: Job<TickJob>, ms: number, token: string): Promise<never> {
    await job.moveToDelayed(Date.now() + ms, token);
    throw new DelayedError();
  }

  private async finish(batch: Batch, onBatch: OnBatch): Promise<void> {
    const settled = await onBatch(batch, (left, count) => this.windows.settling(batch, left, count));
    // A tick of another id: this one is still active.
    if (settled === 'passed') await this.ticks.addNow(batch.shard, `passed-${randomUUID()}`, batch.clock);
    if (settled !== 'lost') return;
    if (await this.windows.isOwned(batch)) {
      // A user was erased meanwhile, and the windows of that user with it. The others are handed over as they are now.
      const rest = await this.windows.take(batch.shard, batch.id, batch.owner, maxWindowsPerBatch);
      if (rest.windows.length > 0) await this.finish(rest, onBatch);
    } else {
      log.warn({ event: 'batch.taken-over', shard: batch.shard, batch: batch.id, windows: batch.windows.length });
    }
  }

  /**
   * Siblings share a burst with other threads and dispatchers; the tick of the next window exists unless it was lost. What an
   * empty batch leaves was passed over because of other batches, and gets its tick when those are settled.
   */
  private async scheduleWhatIsLeft({ shard, windows, left, clock, nextDueAt }: Batch): Promise<void> {
    const siblings = windows.length === 0 ? 0 : Math.min(this.threads(), Math.ceil(left / maxWindowsPerBatch));
    await Promise.all(Array.from({ length: siblings }, () => this.ticks.addNow(shard, `more-${randomUUID()}`, clock)));
    if (nextDueAt === undefined) return;
    const tickLengthMs = this.cascade.resolve('com.openexchange.pns.timerFrequency').value;
    await this.ticks.schedule(shard, [Math.ceil(nextDueAt / tickLengthMs) * tickLengthMs], clock);
  }

  /** A batch outlives its job only if someone removed the job; whatever the reason, its windows were promised. */
  private async adoptOrphans(shard: number): Promise<void> {
    const queue = this.queues.queue<TickJob>(this.queues.keys.group(shard), aggregationQueue);
    for (const id of await this.windows.unsettledBatches(shard, orphanAfterMs)) {
      if ((await queue.getJob(id)) !== undefined) continue;
      log.warn({ event: 'batch.adopted', shard, batch: id });
      await queue.add('tick', { v: 1, dueAt: 0 }, { jobId: id });
    }
  }
}
