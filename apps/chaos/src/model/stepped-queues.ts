import { EventEmitter } from 'node:events';
import { Queues, type JobWorker } from '@pns/queue';
import type { RedisClient } from '@pns/redis';
import { DelayedError, Job, WaitingError, type JobJson, type Processor, type Queue } from 'bullmq';

/** The duration of a job's lock, in ms. It is longer than any run, because the scheduler decides which locks expire. */
const lockMs = 1_000_000_000;

/** A worker that fetches a job only when the scheduler calls `fetch`. */
interface SteppedWorker {
  readonly queue: Queue;
  /** Fetches a job and runs it. Resolves with whether there was a job. */
  readonly fetch: (token: string) => Promise<boolean>;
  /** The number of fetches in progress and of fetched jobs that have not ended. */
  readonly busy: () => number;
}

/** Queues with stepped workers, which use the scripts of BullMQ. */
export class SteppedQueues extends Queues {
  readonly stepped: SteppedWorker[] = [];
  /** The errors of jobs that failed. */
  readonly faults: unknown[] = [];

  override worker<Data>(group: string, name: string, processor: Processor<Data>): JobWorker<Data> {
    const queue = this.queue<Data>(group, name);
    Object.assign(queue.opts, { lockDuration: lockMs });
    const listeners = new EventEmitter();
    let busy = 0;
    const fetch = async (token: string): Promise<boolean> => {
      busy++;
      try {
        const [data, id] = (await queue.backend.moveToActive(token)) as unknown as [JobJson | undefined, string];
        if (!data) return false;
        const job = Job.fromJSON<Data>(queue, data, id);
        job.token = token;
        await this.run(job, token, processor);
        listeners.emit('completed', job);
        return true;
      } finally {
        busy--;
      }
    };
    this.stepped.push({ queue: queue as Queue, fetch, busy: () => busy });
    return Object.assign(listeners, {
      concurrency: 1,
      close: () => Promise.resolve(),
      bringForward: () => Promise.resolve(false),
      cancelAllJobs: () => undefined,
    }) as unknown as JobWorker<Data>;
  }

  /** Runs a job as BullMQ's worker does. */
  private async run<Data>(job: Job<Data>, token: string, processor: Processor<Data>): Promise<void> {
    try {
      await processor(job, token, new AbortController().signal);
      await job.moveToCompleted(undefined, token, false);
    } catch (error) {
      if (error instanceof DelayedError || error instanceof WaitingError) return;
      this.faults.push(error);
      await job.moveToFailed(error as Error, token, false);
    }
  }
}

/** Moves the jobs of dead processes back to their queue, as living workers do. `living`: the names of all living processes. */
export async function returnJobsOfDead(redis: RedisClient, queue: Queue, living: readonly string[]): Promise<void> {
  const active = await queue.getRanges(['active'], 0, -1);
  for (const id of active) {
    const lock = `${queue.toKey(id)}:lock`;
    const holder = await redis.get(lock);
    if (holder !== null && !living.some((process) => holder.startsWith(`${process}:`))) await redis.del(lock);
  }
  Object.assign(queue.opts, { maxStalledCount: Number.MAX_SAFE_INTEGER, stalledInterval: 1 });
  // The first search notes the active jobs, the second one moves those that are still without a lock.
  for (let search = 0; search < 2; search++) {
    await redis.del(queue.toKey('stalled-check'));
    await queue.backend.moveStalledJobsToWait();
  }
  await redis.del(queue.toKey('stalled'), queue.toKey('stalled-check'));
}
