import { randomUUID } from 'node:crypto';
import { endpointOf, handOver, type DeliveryGroup } from '@pns/delivery';
import { connectRedis, deliveryQueue, KeySpace, Queues } from '@pns/queue';
import type { Delivery, TransportName } from '@pns/transport-contract';
import { mailNotification } from './notifications';

/** As many as an app has where nothing is said. */
const shards = 8;

/** So many windows a dispatcher takes at once; what they amount to is grouped by endpoint. */
const windowsPerBatch = 500;

/** Fills a transport's queues as dispatchers do that have more than enough to do: a delivery for each notification. */
export async function fillQueues(
  redisUrl: string,
  count: number,
  transport: TransportName,
  targetOf: (index: number) => Pick<Delivery, 'client' | 'token'>,
): Promise<void> {
  const queues = new Queues(connectRedis(redisUrl), new KeySpace(shards));
  const perShard = queues.keys.all().map((): Delivery[] => []);
  for (let index = 0; index < count; index++) {
    const delivery = { ...deliveryOf(index), transport, ...targetOf(index) };
    perShard[queues.keys.shardOf(delivery.context, delivery.user)]?.push(delivery);
  }
  for (const [shard, deliveries] of perShard.entries()) {
    const ref = { group: queues.keys.group(shard), name: deliveryQueue(transport) };
    while (deliveries.length > 0) {
      const byEndpoint = new Map<string, DeliveryGroup & { deliveries: Delivery[] }>();
      for (const delivery of deliveries.splice(0, windowsPerBatch)) {
        const endpoint = endpointOf(delivery);
        const group = byEndpoint.get(endpoint) ?? { ...ref, endpoint, deliveries: [] };
        byEndpoint.set(endpoint, group);
        group.deliveries.push(delivery);
      }
      await handOver(queues, [...byEndpoint.values()]);
    }
  }
  await queues.onApplicationShutdown();
}

function deliveryOf(index: number): Omit<Delivery, 'client' | 'token' | 'transport'> {
  const now = Date.now();
  return {
    ...mailNotification(index),
    id: `delivery-${index}`,
    notificationId: `notification-${index}`,
    subscriptionId: randomUUID(),
    priority: 'high',
    count: 1,
    timestamp: now,
    dueAt: now,
    attempt: 1,
  };
}
