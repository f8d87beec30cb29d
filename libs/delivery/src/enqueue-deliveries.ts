import { hash } from 'node:crypto';
import {
  addJobs,
  addJobsFrom,
  maxDeliveriesPerJob,
  type DeliveryJob,
  type NewJob,
  type Origin,
  type Queues,
} from '@pns/queue';
import { Cluster } from 'ioredis';
import type { DeliveryGroup } from './routing';

export interface EnqueueOptions {
  /** Time before the deliveries are sent, in ms. */
  readonly delayMs?: number;
  /** Distinguishes this call from an earlier one with the same deliveries, whose job may still exist. */
  readonly round?: string;
}

/**
 * Adds the deliveries to their queues, up to `maxDeliveriesPerJob` in a job; those of a key group all or none. A job's id is made
 * from its deliveries, their targets and the round, so that a repeated call, as after a crash, adds nothing while the first job
 * exists.
 */
export async function enqueueDeliveries(
  queues: Queues,
  groups: readonly DeliveryGroup[],
  { delayMs = 0, round = '' }: EnqueueOptions = {},
): Promise<void> {
  await addPerGroup(
    queues,
    groups.flatMap((group) => jobsOf(group, delayMs, round)),
  );
}

/**
 * As `enqueueDeliveries`, in one transaction with their origin, so that a repeated call adds nothing, even after the first jobs were
 * done. `lost` if the origin was taken before. In a cluster a transaction has one key group, so jobs of other groups are added first.
 */
export async function enqueueDeliveriesFrom<Answer extends string>(
  queues: Queues,
  groups: readonly DeliveryGroup[],
  origin: Origin<Answer>,
): Promise<Answer | 'lost'> {
  const jobs = groups.flatMap((group) => jobsOf(group, 0, ''));
  const isTogether = ({ group }: NewJob): boolean =>
    !(queues.redis instanceof Cluster) || origin.list.startsWith(`${group}:`);
  await addPerGroup(
    queues,
    jobs.filter((job) => !isTogether(job)),
  );
  return addJobsFrom(queues, jobs.filter(isTogether), origin);
}

async function addPerGroup(queues: Queues, jobs: readonly NewJob[]): Promise<void> {
  const groups = [...new Set(jobs.map(({ group }) => group))];
  await Promise.all(
    groups.map((group) =>
      addJobs(
        queues,
        jobs.filter((job) => job.group === group),
      ),
    ),
  );
}

function jobsOf({ group, name, endpoint, deliveries }: DeliveryGroup, delayMs: number, round: string): NewJob[] {
  const jobs: NewJob[] = [];
  for (let at = 0; at < deliveries.length; at += maxDeliveriesPerJob) {
    const some = deliveries.slice(at, at + maxDeliveriesPerJob);
    const ids = round + some.map(({ id, attempt, token }) => `${id} ${attempt} ${token}`).join();
    const data: DeliveryJob = { v: 1, endpoint, deliveries: some };
    jobs.push({ group, queue: name, name: 'deliver', id: hash('sha1', ids, 'hex'), data, delayMs });
  }
  return jobs;
}
