import { hash } from 'node:crypto';
import {
  addJobs,
  addJobsFrom,
  maxCharactersPerJob,
  maxDeliveriesPerJob,
  type DeliveryJob,
  type NewJob,
  type Origin,
  type Queues,
} from '@pns/queue';
import { Cluster } from 'ioredis';
import { maxPayloadBytes } from '@pns/payloads';
import type { Delivery } from '@pns/transport-contract';
import type { DeliveryGroup } from './routing';

/** How deliveries are enqueued. */
export interface EnqueueOptions {
  /** Time before the deliveries are sent, in ms. */
  readonly delayMs?: number;
  /** Distinguishes this call from an earlier one with the same deliveries, whose job may still exist. */
  readonly round?: string;
}

/**
 * Adds the deliveries to their queues, up to `maxDeliveriesPerJob` and `maxCharactersPerJob` in a job. All deliveries of a key group
 * are added, or none. A job's id is made from the round and the ids, attempts and tokens of its deliveries. So a repeated call,
 * for example after a crash, adds nothing while the first job exists.
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
 * Does the same as `enqueueDeliveries`, in one transaction that also takes the deliveries from their origin. So a repeated call
 * adds nothing, even after the first jobs were done. Returns `lost` if the origin was taken before. In a cluster a transaction
 * has one key group, so jobs of other groups are added first.
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
  return portionsOf(deliveries).map((some) => {
    const ids = round + some.map(({ id, attempt, token }) => `${id} ${attempt} ${token}`).join();
    const data: DeliveryJob = { v: 1, endpoint, deliveries: some };
    return { group, queue: name, name: 'deliver', id: hash('sha1', ids, 'hex'), data, delayMs };
  });
}

/** Divides deliveries into the portions of the jobs. */
function portionsOf(deliveries: readonly Delivery[]): Delivery[][] {
  const canBeTooLong = deliveries.length * maxPayloadBytes > maxCharactersPerJob;
  const portions: Delivery[][] = [];
  let portion: Delivery[] = [];
  let characters = 0;
  for (const delivery of deliveries) {
    const own = canBeTooLong ? charactersOf(delivery) : 0;
    if (portion.length >= maxDeliveriesPerJob || (portion.length > 0 && characters + own > maxCharactersPerJob)) {
      portions.push(portion);
      portion = [];
      characters = 0;
    }
    portion.push(delivery);
    characters += own;
  }
  return portion.length === 0 ? portions : [...portions, portion];
}

/** Shorter payloads need not be measured exactly: `maxDeliveriesPerJob` of them fit into a job. */
const shortCharacters = maxCharactersPerJob / maxDeliveriesPerJob;

/** The measured lengths by payload, because the deliveries of a notification share its payload. */
const payloadCharacters = new WeakMap<object, number>();

/** The length of the payload's JSON; for a short payload, an upper bound. */
function charactersOf({ payload }: Delivery): number {
  const estimated = mostCharacters(payload);
  if (estimated <= shortCharacters) return estimated;
  const known = payloadCharacters.get(payload);
  if (known !== undefined) return known;
  const characters = JSON.stringify(payload).length;
  payloadCharacters.set(payload, characters);
  return characters;
}

/**
 * The greatest possible length of the payload's JSON; Infinity if it has lists or objects. The estimate takes a tenth of the time
 * of making the JSON.
 */
function mostCharacters(payload: Delivery['payload']): number {
  let characters = 2;
  for (const name in payload) {
    const value = payload[name];
    if (typeof value === 'object' && value !== null) return Infinity;
    // An escape has six characters; numbers and other values have at most 24. Quotes, colon and comma are six more.
    characters += 6 * (name.length + (typeof value === 'string' ? value.length : 4) + 1);
  }
  return characters;
}
