import { deliveryQueue, socketNodeGroup, socketNodeQueue } from '@pns/queue';
import type { KeySpace } from '@pns/redis';
import { parsedUrl, transportNames, type Delivery, type TransportName } from '@pns/transport-contract';
import { nodeOf, parkedNode } from './socket-target';

/** A queue of a key group. */
export interface QueueRef {
  readonly group: string;
  readonly name: string;
}

/** The queue and the endpoint of a delivery. */
interface DeliveryRoute extends QueueRef {
  /** The unit of limits and circuits: a web server, a client's account with a provider, or a socket node. */
  readonly endpoint: string;
}

/** Deliveries with the same route. */
export interface DeliveryGroup extends DeliveryRoute {
  readonly deliveries: readonly Delivery[];
}

interface RoutingRule {
  readonly endpointOf: (delivery: Delivery) => string;
  /** Whether each endpoint has a separate queue. Otherwise each shard has one for the transport. */
  readonly hasQueuePerEndpoint?: true;
}

const byClient: RoutingRule = { endpointOf: ({ client }) => client };
const byOrigin: RoutingRule = { endpointOf: ({ token, client }) => parsedUrl(token)?.origin ?? client };

const rules: Readonly<Record<TransportName, RoutingRule>> = {
  websocket: { endpointOf: nodeOf, hasQueuePerEndpoint: true },
  webhook: byOrigin,
  apns: byClient,
  fcm: byClient,
  wns: byClient,
  webpush: byOrigin,
};

/** The rules by name. Any string may be looked up, because a failed delivery may have a transport of a newer version. */
const rulesByName: ReadonlyMap<string, RoutingRule> = new Map(Object.entries(rules));

function ruleOf(transport: TransportName): RoutingRule {
  return rulesByName.get(transport) ?? byClient;
}

/** The queue and the endpoint of a delivery. */
export function routeOf(delivery: Delivery, keys: KeySpace): DeliveryRoute {
  const { transport, context, user } = delivery;
  const { endpointOf, hasQueuePerEndpoint } = ruleOf(transport);
  const endpoint = endpointOf(delivery);
  return hasQueuePerEndpoint === true
    ? { ...nodeQueue(keys, endpoint), endpoint }
    : { ...shardQueue(keys, keys.shardOf(context, user), transport), endpoint };
}

/** Groups deliveries by their route. Deliveries with the same route keep their order. */
export function groupedByRoute(deliveries: readonly Delivery[], keys: KeySpace): DeliveryGroup[] {
  const groups = new Map<string, DeliveryRoute & { readonly deliveries: Delivery[] }>();
  for (const delivery of deliveries) {
    const { transport, context, user } = delivery;
    const { endpointOf, hasQueuePerEndpoint } = ruleOf(transport);
    // The id contains the shard instead of the queue's names, because the shard is cheaper to compute.
    const shard = hasQueuePerEndpoint === true ? '' : keys.shardOf(context, user);
    const id = `${transport} ${shard} ${endpointOf(delivery)}`;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, { ...routeOf(delivery, keys), deliveries: [delivery] });
    else group.deliveries.push(delivery);
  }
  return [...groups.values()];
}

/** The queue of deliveries to the sockets of `node`. */
export function nodeQueue(keys: KeySpace, node: string): QueueRef {
  return { group: socketNodeGroup(keys), name: socketNodeQueue(node) };
}

/** A transport's queue in each of `shards`. */
export function shardQueues(keys: KeySpace, transport: TransportName, shards = keys.all()): QueueRef[] {
  return shards.map((shard) => shardQueue(keys, shard, transport));
}

/** All queues that may contain deliveries of `shards`. `nodes` are the socket nodes that may have a queue. */
export function allDeliveryQueues(
  keys: KeySpace,
  nodes: readonly string[],
  shards = keys.all(),
): (QueueRef & { readonly transport: TransportName })[] {
  return transportNames.flatMap((transport) => {
    const isPerNode = rules[transport].hasQueuePerEndpoint === true;
    const queues = isPerNode
      ? [...nodes, parkedNode].map((node) => nodeQueue(keys, node))
      : shardQueues(keys, transport, shards);
    return queues.map((queue) => ({ ...queue, transport }));
  });
}

function shardQueue(keys: KeySpace, shard: number, transport: TransportName): QueueRef {
  return { group: keys.group(shard), name: deliveryQueue(transport) };
}
