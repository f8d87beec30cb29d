import { randomUUID } from 'node:crypto';
import type { FailedDeliveryFilter, FailedDeliveryStore } from '@pns/persistence';
import { parkedNode, parkedToken } from './socket-token';
import { socketNodeGroup, deliveryQueue, socketNodeQueue, type Queues } from '@pns/queue';
import type { KeySpace } from '@pns/redis';
import type { Delivery } from '@pns/transport-contract';
import { endpointOf, enqueueDeliveries, type DeliveryGroup } from './enqueue-deliveries';

/**
 * Puts up to `limit` failed deliveries back into their transports' queues, oldest first, as if they had never been
 * tried, and answers how many there were. They keep their ids, so receivers still tell what they had already.
 */
export function retryFailed(
  queues: Queues,
  failed: FailedDeliveryStore,
  filter: FailedDeliveryFilter,
  limit: number,
): Promise<number> {
  return failed.take(filter, limit, (deliveries) =>
    enqueueDeliveries(queues, grouped(queues, deliveries), { round: randomUUID() }),
  );
}

function grouped({ keys }: Queues, deliveries: readonly Delivery[]): DeliveryGroup[] {
  const groups = new Map<string, DeliveryGroup & { deliveries: Delivery[] }>();
  for (const delivery of deliveries) {
    const { token, ...to } = destinationOf(delivery, keys);
    const id = `${to.group} ${to.name} ${to.endpoint}`;
    const group = groups.get(id) ?? { ...to, deliveries: [] };
    // It may have failed for want of the credentials that its subscription has been given since.
    const mayHaveMeta = delivery.transport === 'webhook' ? { hasMeta: true as const } : {};
    group.deliveries.push({
      ...delivery,
      ...mayHaveMeta,
      token,
      attempt: 1,
      sparedSince: undefined,
      lookedAt: undefined,
    });
    groups.set(id, group);
  }
  return [...groups.values()];
}

/** Where a delivery goes. The node that held a socket may be gone, so sockets are looked for as those that are away. */
function destinationOf(delivery: Delivery, keys: KeySpace): Omit<DeliveryGroup, 'deliveries'> & { token: string } {
  const { context, user, transport, token } = delivery;
  if (transport === 'websocket') {
    const [group, name] = [socketNodeGroup(keys), socketNodeQueue(parkedNode)];
    return { group, name, endpoint: parkedNode, token: parkedToken() };
  }
  const group = keys.group(keys.shardOf(context, user));
  return { group, name: deliveryQueue(transport), endpoint: endpointOf(delivery), token };
}
