import { aggregationQueue, type Queues, type TickJob } from '@pns/queue';
import { LRUCache } from 'lru-cache';

/** Adds ticks: delayed jobs that look for due windows, one for each shard and tick length. */
export class Ticks {
  /** Ticks that this process has added already, by shard and time. */
  private readonly added = new LRUCache<string, true>({ max: 10_000 });

  constructor(private readonly queues: Queues) {}

  /** Ensures that `shard` has a tick at each of `times`. `times` and the current time, `clock`, are in ms on Redis' clock. */
  async schedule(shard: number, times: readonly number[], clock: number): Promise<void> {
    const missing = times.filter((time) => !this.added.has(`${shard}:${time}`));
    await Promise.all(
      missing.map(async (time) => {
        await this.add(shard, `tick-${time}`, time, Math.max(0, time - clock));
        this.added.set(`${shard}:${time}`, true);
      }),
    );
  }

  /** Adds a tick that is due at once. `id` must not be the id of an active tick, because a job cannot be added while it runs. */
  async addNow(shard: number, id: string, clock: number): Promise<void> {
    await this.add(shard, id, clock, 0);
  }

  private async add(shard: number, jobId: string, dueAt: number, delay: number): Promise<void> {
    const queue = this.queues.queue<TickJob>(this.queues.keys.group(shard), aggregationQueue);
    await queue.add('tick', { v: 1, dueAt }, { jobId, delay });
  }
}
