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
import { isOwnedBy, type Owner } from '@pns/subscriptions';
import type { JobType, Queue } from 'bullmq';
import type { QueueRef } from './routing';

/** Jobs read at once: each may carry some megabytes. */
const jobsPerRead = 25;

/** Wherever a job may be. */
const states: JobType[] = ['waiting', 'active', 'delayed', 'prioritized', 'waiting-children', 'failed', 'completed'];

const replaceData = new LuaScript({ folder: __dirname, name: 'replace-data', numberOfKeys: 1 });

/**
 * Removes the owner's deliveries from the jobs of these queues, and removes jobs without other deliveries. Deliveries in progress
 * are removed from their job too, so that a crash does not repeat them, and the answer contains the job's lock.
 */
export async function eraseDeliveries(queues: Queues, refs: readonly QueueRef[], owner: Owner): Promise<Erased> {
  const steps: Erased[] = [];
  for (const ref of refs) {
    const queue = queues.queue<DeliveryJob>(ref.group, ref.name);
    // One script reads all states, so that a job that moves from one state to another meanwhile is found.
    const ids = await queue.getRanges(states, 0, -1);
    for (let at = 0; at < ids.length; at += jobsPerRead) {
      steps.push(await eraseFrom(queues.redis, queue, ref, ids.slice(at, at + jobsPerRead), owner));
    }
  }
  return erasedInAll(steps);
}

async function eraseFrom(
  redis: RedisClient,
  queue: Queue<DeliveryJob>,
  { group, name }: QueueRef,
  ids: readonly string[],
  owner: Owner,
): Promise<Erased> {
  const texts = await Promise.all(ids.map((id) => redis.hget(queue.toKey(id), 'data')));
  const locks: string[] = [];
  let found = 0;
  for (const [index, id] of ids.entries()) {
    const text = texts[index];
    if (text == null) continue; // it is done
    const job = JSON.parse(text) as DeliveryJob;
    assertJobVersion('delivery', job);
    const deliveries = job.deliveries.filter((delivery) => !isOwnedBy(delivery, owner));
    // A job is empty if a worker ran it during an erasure and then died.
    if (deliveries.length > 0 && deliveries.length === job.deliveries.length) continue;
    found++;
    const data = JSON.stringify({ ...job, deliveries } satisfies DeliveryJob);
    const isReplaced = await replaceData.run(redis, queue.toKey(id), hash('sha1', text), data);
    if (isReplaced !== 1) continue; // whether the job is erased shows at the next round
    const isRemoved = deliveries.length === 0 && (await queue.remove(id)) === 1;
    if (!isRemoved) locks.push(jobLock(group, name, id));
  }
  return { found, heldBy: await heldLocks(redis, locks) };
}
