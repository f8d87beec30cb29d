import type { Delivery, TransportName } from '@pns/transport-contract';
import type { KeySpace } from '@pns/redis';

/** Ticks of the aggregation stage: one queue in each shard's key group. */
export const aggregationQueue = 'aggregation';

/** A tick says: look for due windows in this shard. Its job id is the tick, so adding it twice is free. */
export interface TickJob {
  readonly v: 1;
  /** When the tick is due on Redis' clock, in ms since the epoch. */
  readonly dueAt: number;
}

/** Deliveries of one transport: one queue in each shard's key group. */
export function deliveryQueue(transport: TransportName): string {
  return transport;
}

/** Where socket nodes and their queues are: one key group, because BullMQ wants a hash tag and a list of nodes is small. */
export function socketNodeGroup(keys: KeySpace): string {
  return `{${keys.global('websocket')}}`;
}

/** Deliveries to the sockets that one node of the websocket worker holds. */
export function socketNodeQueue(node: string): string {
  return `websocket-${node}`;
}

/** The label of a queue in metrics: of all socket nodes the same one, because each process has a node of its own. */
export function queueLabel(name: string): string {
  return name.startsWith(socketNodeQueue('')) ? 'websocket' : name;
}

/** Most deliveries that one job carries. */
export const maxDeliveriesPerJob = 100;

/** Deliveries that travel together. Their targets share an endpoint, so that one target's trouble stays its own. */
export interface DeliveryJob {
  readonly v: 1;
  /** What the deliveries share: the origin of a webhook's URI, a provider's client, a socket node. */
  readonly endpoint: string;
  readonly deliveries: readonly Delivery[];
}

/** Throws unless a job read from Redis has the format that this version of the code understands. */
export function assertJobVersion(name: string, data: { v?: unknown }): void {
  if (data.v !== 1) throw new Error(`A ${name} job has format ${String(data.v)}, but this version reads format 1.`);
}
