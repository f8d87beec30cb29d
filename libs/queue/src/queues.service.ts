import { Injectable, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { Queue, type JobsOptions, type Processor, type WorkerOptions } from 'bullmq';
import { Cluster, type Redis } from 'ioredis';
import { connectToOwner, type KeySpace, type RedisClient } from '@pns/redis';
import { jobFaults } from './job-faults';
import { JobWorker, type Readership } from './job-worker';

/**
 * A job fails only because of an internal fault or because Redis or Postgres is away. It runs again until it succeeds, because a
 * limit would lose its data. Attempts to reach a target are counted in the deliveries, not in the job.
 */
const defaultJobOptions: JobsOptions = {
  removeOnComplete: true,
  attempts: Number.MAX_SAFE_INTEGER,
  stackTraceLimit: 1, // otherwise the job stores a stack for each attempt
  backoff: { type: 'fixed', delay: 2000, jitter: 0.5 },
};

/** BullMQ keeps about this many events of each queue. Only the tools of BullMQ read them. */
const maxEvents = 1000;

/** Time between two pings to Redis during shutdown, in ms. */
const pingEveryMs = 1000;
/** After this many unanswered pings the process disconnects: early enough for the last step of the shutdown, 25 s after SIGTERM. */
const maxUnanswered = 4;

/** Opens queues and workers of key groups, with one connection for all queues of the process. */
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
      queue.on('error', () => undefined); // connection errors need no handler, because every call on the queue rejects
      this.open.set(id, queue);
    }
    return queue as Queue<Job>;
  }

  /** Closes the queue `name` of a key group in this process; its jobs stay in Redis. */
  async forget(group: string, name: string): Promise<void> {
    const id = `${group}:${name}`;
    await this.open.get(id)?.close();
    this.open.delete(id);
  }

  /**
   * Starts a worker on the queue `name` of a key group. Whenever the process that runs a job dies, another process runs the job
   * within 15 seconds. Jobs that fail, stall or are lost are counted and logged.
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

  /** The connection of the workers of a key group. */
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

  /** Makes the workers of a connection renew their locks after an outage of Redis, before other processes take the jobs. */
  private reconnected(redis: RedisClient): void {
    for (const [worker, connection] of this.workers) if (connection === redis) void worker.reconnected();
  }

  /**
   * Starts pings that detect a Redis that is away, so that jobs and workers do not wait for it during shutdown. After the
   * disconnect their calls reject, and other processes take over the jobs.
   */
  onModuleDestroy(): void {
    for (const redis of this.connections()) this.timers.push(this.disconnectWhenSilent(redis));
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.open.values()].map((queue) => queue.close()));
    this.timers.forEach(clearInterval);
    for (const redis of this.connections()) redis.disconnect();
  }

  private connections(): RedisClient[] {
    return [...this.owners.values(), this.redis];
  }

  /** Disconnects after too many unanswered pings. Counts pings, not time, because this process may have been blocked itself. */
  private disconnectWhenSilent(redis: RedisClient): NodeJS.Timeout {
    let unanswered = 0;
    return setInterval(() => {
      if (unanswered === maxUnanswered) return this.disconnect(redis);
      unanswered++;
      redis.ping().then(
        () => (unanswered = 0),
        () => undefined,
      );
    }, pingEveryMs);
  }

  private disconnect(redis: RedisClient): void {
    redis.disconnect();
    for (const [worker, connection] of this.workers) {
      // BullMQ may be reconnecting although the worker closes, because its blocking call has had no answer for a while.
      if (connection === redis) worker.backend.disconnectBlocking(false).catch(() => undefined);
    }
  }
}
