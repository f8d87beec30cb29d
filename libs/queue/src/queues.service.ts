import { Injectable, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { Queue, type JobsOptions, type Processor, type WorkerOptions } from 'bullmq';
import { Cluster, type Redis } from 'ioredis';
import { connectToOwner, type KeySpace, type RedisClient } from '@pns/redis';
import { jobFaults } from './job-faults';
import { JobWorker, type Readership } from './job-worker';

/**
 * A job fails only when we are at fault or Redis or Postgres is away, so it is run again until it ends: giving up would
 * lose what it carries. Attempts to reach a target are counted by its deliveries, not by jobs.
 */
const defaultJobOptions: JobsOptions = {
  removeOnComplete: true,
  attempts: Number.MAX_SAFE_INTEGER,
  stackTraceLimit: 1, // else the job carries the stack of each attempt
  backoff: { type: 'fixed', delay: 2000, jitter: 0.5 },
};

/** So many events BullMQ keeps of each queue, about; only whoever looks at a queue with a tool of BullMQ's reads them. */
const maxEvents = 1000;

/** A process that stops asks Redis for a sign of life this often, in ms. */
const askMs = 1000;
/** A Redis that left as many of these unanswered is given up: soon enough for what ends last, 25 s after SIGTERM. */
const mostUnanswered = 4;

/** Opens the queues of a key group and the workers on them, one connection for all queues of the process. */
@Injectable()
export class Queues implements OnModuleDestroy, OnApplicationShutdown {
  private readonly open = new Map<string, Queue>();
  private readonly owners = new Map<string, Redis>();
  private readonly workers = new Map<Pick<JobWorker<unknown>, 'reconnected' | 'backend'>, RedisClient>();
  private readonly connected = new Set<RedisClient>();
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(
    readonly redis: RedisClient,
    readonly keys: KeySpace,
  ) {}

  /** The queue `name` of a key group, opened at its first use. */
  queue<Job>(group: string, name: string): Queue<Job> {
    const id = `${group}:${name}`;
    let queue = this.open.get(id);
    if (queue === undefined) {
      queue = new Queue(name, {
        connection: this.redis,
        prefix: group,
        defaultJobOptions,
        streams: { events: { maxLen: maxEvents } },
      });
      queue.on('error', () => undefined); // the connection's own state; every call on the queue rejects for itself
      this.open.set(id, queue);
    }
    return queue as Queue<Job>;
  }

  /** Closes the queue `name` of a key group in this process; what it holds stays in Redis. */
  async forget(group: string, name: string): Promise<void> {
    const id = `${group}:${name}`;
    await this.open.get(id)?.close();
    this.open.delete(id);
  }

  /**
   * Works on the queue `name` of a key group. A job whose process died is given to another within 15 seconds, however
   * often that happens. Jobs that fail, stall or are lost are counted and logged.
   */
  worker<Job>(
    group: string,
    name: string,
    processor: Processor<Job>,
    { readership, ...options }: Partial<WorkerOptions> & { readonly readership?: Readership | undefined } = {},
  ): JobWorker<Job> {
    const redis = this.connectionOf(group);
    const faults = jobFaults(name);
    const worker = new JobWorker<Job>({ redis, group, name, onLost: faults.lost, readership }, processor, options);
    worker.on('failed', faults.failed).on('stalled', faults.stalled).on('error', faults.error);
    this.workers.set(worker, redis);
    worker.once('closed', () => this.workers.delete(worker));
    return worker;
  }

  /** What the workers of a key group are connected with. */
  private connectionOf(group: string): RedisClient {
    const redis = this.redis instanceof Cluster ? this.ownerOf(this.redis, group) : this.redis;
    if (!this.connected.has(redis)) {
      this.connected.add(redis);
      redis.on('ready', () => this.reconnected(redis));
    }
    return redis;
  }

  private ownerOf(cluster: Cluster, group: string): Redis {
    const redis = this.owners.get(group) ?? connectToOwner(cluster, group);
    this.owners.set(group, redis);
    return redis;
  }

  /** Redis was away: locks that expired meanwhile are taken again before other processes look for them. */
  private reconnected(redis: RedisClient): void {
    for (const [worker, connection] of this.workers) if (connection === redis) void worker.reconnected();
  }

  /**
   * From now on there is only so much time, and what waits for a Redis that is away would wait without end: jobs that are
   * to be finished, workers that are to close. Once Redis is given up, all of that rejects, and other processes take it over.
   */
  onModuleDestroy(): void {
    for (const redis of this.connections()) this.timers.push(this.giveUpWhenAway(redis));
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.open.values()].map((queue) => queue.close()));
    this.timers.forEach(clearInterval);
    for (const redis of this.connections()) redis.disconnect();
  }

  private connections(): RedisClient[] {
    return [...this.owners.values(), this.redis];
  }

  /** Counts, as a `Subscriber` does, so that a process which was held up itself does not blame the server. */
  private giveUpWhenAway(redis: RedisClient): NodeJS.Timeout {
    let unanswered = 0;
    return setInterval(() => {
      if (unanswered === mostUnanswered) return this.giveUp(redis);
      unanswered++;
      redis.ping().then(
        () => (unanswered = 0),
        () => undefined,
      );
    }, askMs);
  }

  private giveUp(redis: RedisClient): void {
    redis.disconnect();
    for (const [worker, connection] of this.workers) {
      // BullMQ may be connecting once more, though the worker closes: it does so when it has heard nothing for a while.
      if (connection === redis) worker.backend.disconnectBlocking(false).catch(() => undefined);
    }
  }
}
