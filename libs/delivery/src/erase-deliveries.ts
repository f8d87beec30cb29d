import { hash } from 'node:crypto';
import {
  assertJobVersion,
  erasedInAll,
  heldLocks,
  jobLock,
  type DeliveryJob,
  type Erased,
  type Queues,
} from '@pns/queue';
import { LuaScript, type RedisClient } from '@pns/redis';
import { log } from '@pns/runtime';
import { isOwnedBy, type Owner } from '@pns/subscriptions';
import type { Delivery } from '@pns/transport-contract';
import type { JobType, Queue } from 'bullmq';
import type { QueueRef } from './routing';

/** Maximum number of jobs read at once, because each may have some megabytes. */
const jobsPerRead = 25;

/** All states in which a job can contain deliveries. */
const states: JobType[] = ['waiting', 'active', 'delayed', 'prioritized', 'waiting-children', 'failed', 'completed'];

const replaceData = new LuaScript({ folder: __dirname, name: 'replace-data', numberOfKeys: 1 });

/**
 * Removes the owner's deliveries from the jobs of the given queues, and removes jobs without other deliveries. Deliveries in
 * progress are removed from their job too, so that a crash does not repeat them, and `heldBy` contains the job's lock. Jobs in a
 * format that this version does not know are skipped and logged, because they must not prevent the erasure of other jobs.
 */
export async function eraseDeliveries(queues: Queues, refs: readonly QueueRef[], owner: Owner): Promise<Erased> {
  const steps: Erased[] = [];
  for (const ref of refs) {
    const queue = queues.queue<DeliveryJob>(ref.group, ref.name);
    // One script reads all states, so that a job that moves from one state to another meanwhile is found.
    const ids = await queue.getRanges(states, 0, -1);
    const skipped: Skipped[] = [];
    for (let at = 0; at < ids.length; at += jobsPerRead) {
      steps.push(await eraseFrom(queues.redis, queue, ref, ids.slice(at, at + jobsPerRead), owner, skipped));
    }
    const [first] = skipped;
    if (first !== undefined) {
      log.error({ event: 'erasure.jobs-skipped', queue: ref.name, jobs: skipped.length, ...first });
    }
  }
  return erasedInAll(steps);
}

/** A job that was not searched, and why. */
interface Skipped {
  readonly job: string;
  readonly reason: string;
}

async function eraseFrom(
  redis: RedisClient,
  queue: Queue<DeliveryJob>,
  { group, name }: QueueRef,
  ids: readonly string[],
  owner: Owner,
  skipped: Skipped[],
): Promise<Erased> {
  const texts = await Promise.all(ids.map((id) => redis.hget(queue.toKey(id), 'data')));
  const locks: string[] = [];
  let found = 0;
  for (const [index, id] of ids.entries()) {
    const text = texts[index];
    if (text == null) continue; // the job is done
    const job = readJob(text);
    if (typeof job === 'string') {
      skipped.push({ job: id, reason: job });
      continue;
    }
    const deliveries = job.deliveries.filter((delivery) => !isOwnersDelivery(delivery, owner));
    // An empty job is removed too. A job is empty if a worker ran it during an erasure and then died.
    if (deliveries.length > 0 && deliveries.length === job.deliveries.length) continue;
    found++;
    const data = JSON.stringify({ ...job, deliveries } satisfies DeliveryJob);
    const isReplaced = await replaceData.run(redis, queue.toKey(id), hash('sha1', text), data);
    if (isReplaced !== 1) continue; // the data changed meanwhile: the next round checks the job again
    const isRemoved = deliveries.length === 0 && (await queue.remove(id)) === 1;
    if (!isRemoved) locks.push(jobLock(group, name, id));
  }
  return { found, heldBy: await heldLocks(redis, locks) };
}

/** Whether a delivery is the owner's. A malformed one, which no worker sends, is erased too if it has the fields of the owner. */
function isOwnersDelivery(delivery: Delivery | null, owner: Owner): boolean {
  return delivery !== null && isOwnedBy(delivery, owner);
}

/** Returns the job if its deliveries can be searched, otherwise the reason why not. */
function readJob(text: string): DeliveryJob | string {
  try {
    const job = JSON.parse(text) as DeliveryJob;
    assertJobVersion('delivery', job);
    if (Array.isArray(job.deliveries)) return job;
    return 'A delivery job has no list of deliveries.';
  } catch (error) {
    return error instanceof SyntaxError ? 'A delivery job is not JSON.' : (error as Error).message;
  }
}
