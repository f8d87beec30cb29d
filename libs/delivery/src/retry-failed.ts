import { randomUUID } from 'node:crypto';
import type { FailedDeliveryFilter, FailedDeliveryStore } from '@pns/persistence';
import type { Queues } from '@pns/queue';
import { hasConfiguredUri, isRegistered, type Delivery } from '@pns/transport-contract';
import { enqueueDeliveries } from './enqueue-deliveries';
import { groupedByRoute } from './routing';
import { withTarget } from './socket-target';

/**
 * Puts up to `limit` failed deliveries back into the queues of their transports, oldest first, as new deliveries, and returns their
 * number. They keep their ids, so receivers can detect duplicates.
 */
export function retryFailed(
  queues: Queues,
  failed: FailedDeliveryStore,
  filter: FailedDeliveryFilter,
  limit: number,
): Promise<number> {
  return failed.take(filter, limit, (deliveries) =>
    enqueueDeliveries(queues, groupedByRoute(deliveries.map(renewed), queues.keys), { round: randomUUID() }),
  );
}

/** Resets a delivery to its first attempt. For sockets, the target is the parked sockets, because a node may have stopped. */
function renewed(delivery: Delivery): Delivery {
  const { transport } = delivery;
  const first = { ...delivery, attempt: 1, deferredSince: undefined, sparedSince: undefined, lookedAt: undefined };
  if (!isRegistered(transport)) return withTarget(first, { kind: 'parked', step: 'find' });
  // The subscription may have received credentials in `meta` since the failure, so the worker must read `meta`. A message to the
  // operator has no subscription.
  return hasConfiguredUri(transport) && delivery.subscriptionId !== undefined ? { ...first, hasMeta: true } : first;
}
