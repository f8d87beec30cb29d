import { randomUUID } from 'node:crypto';
import type { FailedDeliveryFilter, FailedDeliveryStore } from '@pns/persistence';
import { deliveryQueue, type Queues } from '@pns/queue';
import type { Delivery } from '@pns/transport-contract';
import { endpointOf, handOver, type DeliveryGroup } from './hand-over';

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
    handOver(queues, grouped(queues, deliveries), { round: randomUUID() }),
  );
}

function grouped({ keys }: Queues, deliveries: readonly Delivery[]): DeliveryGroup[] {
  const groups = new Map<string, DeliveryGroup & { deliveries: Delivery[] }>();
  for (const delivery of deliveries) {
    const { context, user, transport } = delivery;
    const ref = { group: keys.group(keys.shardOf(context, user)), name: deliveryQueue(transport) };
    const endpoint = endpointOf(delivery);
    const id = `${ref.group} ${ref.name} ${endpoint}`;
    const group = groups.get(id) ?? { ...ref, endpoint, deliveries: [] };
    group.deliveries.push({ ...delivery, attempt: 1 });
    groups.set(id, group);
  }
  return [...groups.values()];
}
