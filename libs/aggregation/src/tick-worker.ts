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

/** Maximum number of windows in a batch. A batch takes one query for subscriptions and makes a few hundred deliveries. */
const maxWindowsPerBatch = 500;

/** The interval, in ms, at which each shard is searched for due windows whose tick was lost. */
const sweepEveryMs = 5000;

/** A batch that is older than this, in ms, and whose job does not exist gets a new job. */
const orphanedAfterMs = 60_000;

/**
 * No batch is taken while Redis uses more than this part of its memory, because deliveries need more memory than windows, and
 * workers need the remaining part; ADR 0014.
 */
const maxMemoryUse = 0.95;

/** A tick is deferred for this time, in ms, if Redis lacks memory for deliveries. */
const deferMs = 1000;

/** Makes the step that settles the next `count` windows of a batch that still has `left` windows. */
export type Settling = (left: number, count: number) => Origin<Settled>;

/**
 * Stores the deliveries of a batch in their queues and settles its windows in the same transactions, beginning with the first
 * window. After a fault it is called again with the windows that are not settled.
 */
export type OnBatch = (batch: Batch, settling: Settling) => Promise<Settled>;

/** Runs ticks: takes batches of due windows and passes them to `onBatch`. */
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

  /** Starts to run ticks. The app calls this function, because only the app connects this stage with the next one. */
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
        // Shards are swept one after the other, because sweeps of all shards at once would delay other batches.
        const offset = Math.ceil(((shard + 1) / shards.length) * sweepEveryMs) - 1;
        const job = { name: 'sweep', data: { v: 1, dueAt: 0 } as const };
        await queue.upsertJobScheduler('sweep', { every: sweepEveryMs, offset }, job);
      }),
    );
  }

  /** Finishes the batches in progress and takes no more. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close()));
  }

  private threads(): number {
    return this.cascade.resolve('com.openexchange.pns.numProcessorThreads').value;
  }

  /** Adapts the slots to the number of threads. The workers of all shards share the slots; each worker may use all slots. */
  private resize(): void {
    const threads = this.threads();
    if (threads === this.size) return; // a new bulkhead would not count the work in progress, so it is made only if necessary
    this.size = threads;
    this.slots = bulkhead(threads, Number.MAX_SAFE_INTEGER);
    for (const worker of this.workers) worker.concurrency = threads;
  }

  private work(shard: number, job: Job<TickJob>, token: string = randomUUID(), onBatch: OnBatch): Promise<void> {
    assertJobVersion('tick', job.data);
    return this.slots.execute(async () => {
      const isSweep = job.name === 'sweep';
      if (await this.isNearlyFull()) return isSweep ? undefined : this.defer(job, deferMs, token);
      if (isSweep) await this.requeueOrphans(shard);
      const batch = await this.windows.take(shard, String(job.id), token, maxWindowsPerBatch);
      await this.scheduleRest(batch, batch.isNew || job.attemptsMade === 0);
      if (batch.windows.length > 0) return this.finish(batch, onBatch);
      // The tick ran too early, because the clocks of this process and of Redis differ.
      if (job.data.dueAt > batch.clock) await this.defer(job, job.data.dueAt - batch.clock, token);
    });
  }

  /** Whether Redis lacks memory for deliveries. A value above the limit is read again, because memory may have been freed. */
  private async isNearlyFull(): Promise<boolean> {
    return this.memory.isAbove(maxMemoryUse) && (await this.memory.isAboveNow(maxMemoryUse));
  }

  private async defer(job: Job<TickJob>, ms: number, token: string): Promise<never> {
    await job.moveToDelayed(Date.now() + ms, token);
    throw new DelayedError();
  }

  private async finish(batch: Batch, onBatch: OnBatch): Promise<void> {
    const settled = await onBatch(batch, (left, count) => this.windows.settling(batch, left, count));
    // The tick of this batch is still active, so the new tick needs another id.
    if (settled === 'passed') await this.ticks.addNow(batch.shard, `passed-${randomUUID()}`, batch.clock);
    if (settled !== 'lost') return;
    if (await this.windows.isOwned(batch)) {
      // Windows of the batch were erased meanwhile. The remaining windows are dispatched now.
      const rest = await this.windows.take(batch.shard, batch.id, batch.owner, maxWindowsPerBatch);
      if (rest.windows.length > 0) await this.finish(rest, onBatch);
    } else {
      log.warn({ event: 'batch.taken-over', shard: batch.shard, batch: batch.id, windows: batch.windows.length });
    }
  }

  /**
   * Adds ticks for the due windows that did not fit into the batch, so that other threads and dispatchers take them. Also adds a
   * tick for the next window, because its first tick may be lost. If the batch is empty, the due windows were skipped because of
   * other batches, and they get a tick when the other batches are settled. If the last run failed, for instance while Postgres
   * was away, due windows get no new ticks: the ticks of the first run exist, or the sweep replaces them. If the process of the
   * first run died, the next run adds the ticks.
   */
  private async scheduleRest({ shard, windows, left, clock, nextDueAt }: Batch, isFirstRun: boolean): Promise<void> {
    const needsMore = isFirstRun && windows.length > 0;
    const extraTicks = needsMore ? Math.min(this.threads(), Math.ceil(left / maxWindowsPerBatch)) : 0;
    await Promise.all(
      Array.from({ length: extraTicks }, () => this.ticks.addNow(shard, `more-${randomUUID()}`, clock)),
    );
    if (nextDueAt === undefined) return;
    const tickLengthMs = this.cascade.resolve('com.openexchange.pns.timerFrequency').value;
    await this.ticks.schedule(shard, [this.windows.tickFor(shard, nextDueAt, tickLengthMs)], clock);
  }

  /** Adds a job for each batch whose job was removed by hand, because accepted windows must be dispatched. */
  private async requeueOrphans(shard: number): Promise<void> {
    const queue = this.queues.queue<TickJob>(this.queues.keys.group(shard), aggregationQueue);
    for (const id of await this.windows.unsettledBatches(shard, orphanedAfterMs)) {
      if ((await queue.getJob(id)) !== undefined) continue;
      log.warn({ event: 'batch.adopted', shard, batch: id });
      await queue.add('tick', { v: 1, dueAt: 0 }, { jobId: id });
    }
  }
}
