import { hash } from 'node:crypto';
import { maxDeliveriesPerJob, type DeliveryJob, type Queues } from '@pns/queue';
import type { Delivery } from '@pns/transport-contract';

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
  /** How long they are to wait, in ms. */
  readonly delayMs?: number;
  /** Tells this hand-over from an earlier one of the same deliveries, whose job may still be there. */
  readonly round?: string;
}

/** What a target shares its fate with: a web server, or a client's account with a provider. */
export function endpointOf({ transport, token, client }: Pick<Delivery, 'transport' | 'token' | 'client'>): string {
  return transport === 'webhook' && URL.canParse(token) ? new URL(token).origin : client;
}

/**
 * Adds the deliveries to their queues, up to `maxDeliveriesPerJob` in a job and one round trip per queue. A job's id is
 * made from its deliveries, their targets and the round, so the same hand-over twice, as after a crash, adds nothing while the
 * first is still there.
 */
export async function handOver(
  queues: Queues,
  groups: readonly DeliveryGroup[],
  { delayMs = 0, round = '' }: HandOverOptions = {},
): Promise<void> {
  const perQueue = new Map<string, { ref: QueueRef; jobs: ReturnType<typeof jobsOf> }>();
  for (const group of groups) {
    const id = `${group.group}:${group.name}`;
    const entry = perQueue.get(id) ?? { ref: group, jobs: [] };
    entry.jobs.push(...jobsOf(group, delayMs, round));
    perQueue.set(id, entry);
  }
  await Promise.all(
    [...perQueue.values()].map(({ ref, jobs }) => {
      const queue = queues.queue<DeliveryJob>(ref.group, ref.name);
      const [first, ...others] = jobs;
      // One by itself needs no transaction, which costs more than the job.
      return first !== undefined && others.length === 0
        ? queue.add(first.name, first.data, first.opts)
        : queue.addBulk(jobs);
    }),
  );
}

function jobsOf({ endpoint, deliveries }: DeliveryGroup, delay: number, round: string) {
  const jobs = [];
  for (let at = 0; at < deliveries.length; at += maxDeliveriesPerJob) {
    const some = deliveries.slice(at, at + maxDeliveriesPerJob);
    const ids = round + some.map(({ id, attempt, token }) => `${id} ${attempt} ${token}`).join();
    const data: DeliveryJob = { v: 1, endpoint, deliveries: some };
    jobs.push({ name: 'deliver', data, opts: { jobId: hash('sha1', ids, 'hex'), delay } });
  }
  return jobs;
}
