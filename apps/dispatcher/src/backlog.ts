import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Windows, type WindowCounts } from '@pns/aggregation';
import { allDeliveryQueues } from '@pns/delivery';
import { aggregationQueue, jobCounts, Queues, type JobCounts } from '@pns/queue';
import { metrics, RecurringFault } from '@pns/runtime';
import { SocketNodes } from '@pns/sockets';
import { Gauge } from 'prom-client';

/** The windows and jobs that wait in Redis. */
interface Backlog {
  readonly windows: WindowCounts;
  /** The counts by the transport's name, or by `aggregation`. */
  readonly jobs: ReadonlyMap<string, JobCounts>;
}

/** A scrape waits at most this long for Redis, in ms. */
const patienceMs = 1000;

/**
 * Counts the waiting windows and jobs of the whole system. The dispatcher counts them and not each worker, because the
 * numbers are needed most when all workers of a queue have ended.
 */
@Injectable()
export class BacklogCount implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly windows: Windows,
    private readonly queues: Queues,
    private readonly nodes: SocketNodes,
  ) {}

  onApplicationBootstrap(): void {
    running.add(this);
  }

  onApplicationShutdown(): void {
    running.delete(this);
  }

  /** Counts the windows and jobs; undefined when Redis is away or does not answer in time. */
  async backlog(): Promise<Backlog | undefined> {
    if (this.queues.redis.status !== 'ready') return undefined;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`Redis has not answered within ${patienceMs} ms.`)), patienceMs);
    });
    try {
      const [windows, jobs] = await Promise.race([Promise.all([this.windows.counts(), this.jobs()]), late]);
      countFault.isOver();
      return { windows, jobs };
    } catch (error) {
      countFault.occurred(error);
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  private async jobs(): Promise<Map<string, JobCounts>> {
    const { redis, keys } = this.queues;
    const deliveries = allDeliveryQueues(keys, await this.nodes.withQueues());
    const queues = [
      ...keys.all().map((shard) => ({ group: keys.group(shard), name: aggregationQueue, label: aggregationQueue })),
      ...deliveries.map(({ transport, ...queue }) => ({ ...queue, label: transport })),
    ];
    const counts = await jobCounts(redis, queues);
    const totals = new Map<string, JobCounts>();
    queues.forEach(({ label }, index) => {
      const [sum, { waiting, active, delayed }] = [totals.get(label) ?? noJobs, counts[index] ?? noJobs];
      totals.set(label, {
        waiting: sum.waiting + waiting,
        active: sum.active + active,
        delayed: sum.delayed + delayed,
      });
    });
    return totals;
  }
}

/** All instances in a process share this fault, so that it is logged once. */
const countFault = new RecurringFault('backlog.not-counted', 'backlog.counted');

const noJobs: JobCounts = { waiting: 0, active: 0, delayed: 0 };

const running = new Set<BacklogCount>();
let counting: Promise<Backlog | undefined> | undefined;

/** Returns one count for all gauges of a scrape, which are read at the same time. */
function backlog(): Promise<Backlog | undefined> {
  const [anyone] = running;
  counting ??= Promise.resolve(anyone?.backlog()).finally(() => (counting = undefined));
  return counting;
}

/** The end of each gauge's help: every dispatcher counts the same Redis. */
const whole = 'Of the whole system, so every dispatcher reports the same value: take the maximum, not the sum.';

new Gauge({
  name: 'pns_windows',
  help: `Windows of similar notifications: waiting (not due yet), due (taken by no dispatcher) or taken (being handed over). ${whole}`,
  labelNames: ['state'],
  registers: [metrics],
  async collect() {
    const { windows } = (await backlog()) ?? {};
    this.reset();
    if (windows === undefined) return;
    for (const state of ['waiting', 'due', 'taken'] as const) this.set({ state }, windows[state]);
  },
});

new Gauge({
  name: 'pns_oldest_due_seconds',
  help: `The age of the oldest due window that is not handed over, since its due time; 0 if none is due. ${whole}`,
  registers: [metrics],
  async collect() {
    const { windows } = (await backlog()) ?? {};
    this.remove();
    if (windows !== undefined) this.set(windows.oldestDueMs / 1000);
  },
});

new Gauge({
  name: 'pns_queue_depth',
  help: `Jobs in the queues of all shards and socket nodes: ticks in aggregation, up to a hundred deliveries each in a transport's; waiting, active or delayed. ${whole}`,
  labelNames: ['queue', 'state'],
  registers: [metrics],
  async collect() {
    const { jobs = [] } = (await backlog()) ?? {};
    this.reset();
    for (const [queue, counts] of jobs) {
      for (const state of ['waiting', 'active', 'delayed'] as const) this.set({ queue, state }, counts[state]);
    }
  },
});
