import type { DeliveryJob } from '@pns/queue';
import type { RedisClient } from '@pns/redis';
import type { Delivery } from '@pns/transport-contract';
import type { Job } from 'bullmq';
import { LRUCache } from 'lru-cache';
import { Checkpoint } from './checkpoint';

/** Maximum number of jobs whose progress is kept in this process. The progress of further jobs is read from Redis. */
const mostJobs = 2000;

/** At least this many and at most twice as many deliveries are remembered after their jobs ended; about 200 bytes each. */
const mostDelivered = 20_000;

/** The fields that identify an attempt of a delivery. */
type DeliveryAttempt = Pick<Delivery, 'id' | 'attempt' | 'token'>;

/** A successful attempt of a delivery, linked to its previous successful attempt. Few deliveries have more than one. */
interface Arrived extends Omit<DeliveryAttempt, 'id'> {
  readonly before: Arrived | undefined;
}

/**
 * Stores the attempts that this process has made, so that it repeats none. A job may run again in the same process, for example
 * when Redis lost its lock. A delivery may be enqueued again after its job was done.
 */
export class DeliveryMemory {
  private readonly checkpoints = new LRUCache<string, Checkpoint>({ max: mostJobs });
  private readonly runs = new Map<string, Promise<void>>();
  /**
   * The successful attempts by delivery id. When this map is full, it replaces `deliveredBefore`. It is not an LRU cache, because
   * such a cache took three percent of the time of a busy websocket worker.
   */
  private delivered = new Map<string, Arrived>();
  private deliveredBefore: ReadonlyMap<string, Arrived> = new Map();
  /** The last object that was stored. Deliveries to sockets often have the same attempt and token, and so share one object. */
  private latest: Arrived = { attempt: 0, token: '', before: undefined };

  constructor(private readonly redis: RedisClient) {}

  /** Runs `work` on a job. If this process ran the job before, it waits until that run has ended, and uses its checkpoint. */
  async run(job: Job<DeliveryJob>, work: (checkpoint: Checkpoint) => Promise<void>): Promise<void> {
    const key = keyOf(job);
    const before = this.runs.get(key);
    const run = (async () => {
      await before?.catch(() => undefined);
      const checkpoint = this.checkpointOf(job);
      if (job.stalledCounter > 0) await checkpoint.learn();
      await work(checkpoint);
    })();
    this.runs.set(key, run);
    try {
      await run;
    } finally {
      if (this.runs.get(key) === run) this.runs.delete(key);
    }
  }

  /** Deletes the checkpoint of a job that has left its queue. */
  forget(job: Job<DeliveryJob>): void {
    this.checkpoints.delete(keyOf(job));
  }

  /** Stores which deliveries of a job have arrived, for the worker that has started the job meanwhile. */
  lost(job: Pick<Job<DeliveryJob>, 'id' | 'queueQualifiedName'>): void {
    this.checkpoints.get(keyOf(job))?.lose();
  }

  /** Notes that this attempt of a delivery has arrived. */
  arrived({ id, attempt, token }: DeliveryAttempt): void {
    if (this.delivered.size >= mostDelivered) {
      this.deliveredBefore = this.delivered;
      this.delivered = new Map();
    }
    const before = this.delivered.get(id);
    const { latest } = this;
    const isEqual = latest.attempt === attempt && latest.token === token && latest.before === before;
    if (!isEqual) this.latest = { attempt, token, before };
    this.delivered.set(id, this.latest);
  }

  /** Whether this process has made this attempt of a delivery with success. */
  knows(delivery: DeliveryAttempt): boolean {
    return (
      isAmong(this.delivered.get(delivery.id), delivery) || isAmong(this.deliveredBefore.get(delivery.id), delivery)
    );
  }

  private checkpointOf(job: Job<DeliveryJob>): Checkpoint {
    const key = keyOf(job);
    const known = this.checkpoints.get(key);
    known?.adopt(job);
    const checkpoint = known ?? new Checkpoint(job, this.redis);
    this.checkpoints.set(key, checkpoint);
    return checkpoint;
  }
}

function keyOf({ queueQualifiedName, id }: Pick<Job<DeliveryJob>, 'id' | 'queueQualifiedName'>): string {
  return `${queueQualifiedName}:${id}`;
}

function isAmong(latest: Arrived | undefined, { attempt, token }: DeliveryAttempt): boolean {
  for (let each = latest; each !== undefined; each = each.before) {
    if (each.attempt === attempt && each.token === token) return true;
  }
  return false;
}
