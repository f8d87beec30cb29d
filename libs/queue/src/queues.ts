import type { Delivery, TransportName } from '@pns/transport-contract';
import type { KeySpace } from '@pns/redis';

/** The name of the queues of ticks: one in each shard's key group. */
export const aggregationQueue = 'aggregation';

/** A request to look for due windows in a shard. The job id contains the time, so a tick that is added twice exists once. */
export interface TickJob {
  readonly v: 1;
  /** When the tick is due on Redis' clock, in ms since the epoch. */
  readonly dueAt: number;
}

/** The name of a transport's delivery queues: one in each shard's key group. */
export function deliveryQueue(transport: TransportName): string {
  return transport;
}

/**
 * The key group of socket nodes and their queues. One key group is enough, because the list of nodes is small; BullMQ needs a hash
 * tag.
 */
export function socketNodeGroup(keys: KeySpace): string {
  return `{${keys.global('websocket')}}`;
}

/** The name of the queue of deliveries to the sockets of one node of the websocket worker. */
export function socketNodeQueue(node: string): string {
  return `websocket-${node}`;
}

/** The label of a queue in metrics. All socket nodes share one label, because each process is a new node. */
export function queueLabel(name: string): string {
  return name.startsWith(socketNodeQueue('')) ? 'websocket' : name;
}

/** Maximum number of deliveries in one job. */
export const maxDeliveriesPerJob = 100;

/**
 * Maximum number of characters in the payloads of one job with several deliveries: eight of the longest payloads. A job is parsed
 * without a pause, and 100 of the longest payloads would take hundreds of ms.
 */
export const maxCharactersPerJob = 512 * 1024;

/** Deliveries in one job. They share an endpoint, so that a faulty endpoint does not affect deliveries to other endpoints. */
export interface DeliveryJob {
  readonly v: 1;
  /** The endpoint of all deliveries: the origin of a webhook's URI, a provider's client, or a socket node. */
  readonly endpoint: string;
  readonly deliveries: readonly Delivery[];
}

/** Throws unless a job from Redis has the format that this version of the code reads. */
export function assertJobVersion(name: string, data: unknown): void {
  const format = (data as { v?: unknown } | null | undefined)?.v;
  if (format === 1) return;
  throw new Error(`A ${name} job has format ${JSON.stringify(format)}, but this version reads format 1.`);
}
