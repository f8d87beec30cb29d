import { hash } from 'node:crypto';
import { addJobs, maxDeliveriesPerJob, type DeliveryJob, type NewJob, type Origin, type Queues } from '@pns/queue';
import type { Delivery } from '@pns/transport-contract';
import { Cluster } from 'ioredis';

/** Where a delivery job goes: a queue of a key group. */
export interface QueueRef {
  readonly group: string;
  readonly name: string;
}

/** Deliveries that share a queue and an endpoint. */
export interface DeliveryGroup extends QueueRef {
  readonly endpoint: string;
  readonly deliveries: readonly Delivery[];
}

export interface HandOverOptions {
  /** How long they wait before they are sent, in ms. */
  readonly delayMs?: number;
  /** Distinguishes this hand-over from an earlier one of the same deliveries, whose job may still be there. */
  readonly round?: string;
  /** Where they come from: they leave it in the same step. */
  readonly origin?: Origin;
}

/** What a target shares its fate with: a web server, or a client's account with a provider. */
export function endpointOf({ transport, token, client }: Pick<Delivery, 'transport' | 'token' | 'client'>): string {
  return transport === 'webhook' && URL.canParse(token) ? new URL(token).origin : client;
}

/**
 * Adds the deliveries to their queues, up to `maxDeliveriesPerJob` in a job, all of them or none. A job's id is made from its
 * deliveries, their targets and the round, so the same hand-over twice, as after a crash, adds nothing while the first is
 * still there. False when they had left their origin before; then nothing is added.
 *
 * In a cluster, where a transaction has one key group, those of other groups than the origin's are added first.
 */
export async function handOver(
  queues: Queues,
  groups: readonly DeliveryGroup[],
  { delayMs = 0, round = '', origin }: HandOverOptions = {},
): Promise<boolean> {
  const jobs = groups.flatMap((group) => jobsOf(group, delayMs, round));
  const isCluster = queues.redis instanceof Cluster;
  const isTogether = ({ group }: NewJob): boolean => !isCluster || origin?.list.startsWith(`${group}:`) === true;
  const [together, apart] = [jobs.filter(isTogether), jobs.filter((job) => !isTogether(job))];
  const perGroup = new Map<string, NewJob[]>();
  for (const job of apart) perGroup.set(job.group, [...(perGroup.get(job.group) ?? []), job]);
  await Promise.all([...perGroup.values()].map((some) => addJobs(queues, some)));
  return together.length === 0 && origin === undefined ? true : addJobs(queues, together, origin);
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
