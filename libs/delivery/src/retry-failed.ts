import { randomUUID } from 'node:crypto';
import type { FailedDeliveryFilter, FailedDeliveryStore } from '@pns/persistence';
import type { Queues } from '@pns/queue';
import { hasConfiguredUri, isRegistered, type Delivery } from '@pns/transport-contract';
import { enqueueDeliveries } from './enqueue-deliveries';
import { groupedByRoute } from './routing';
import { withTarget } from './socket-target';

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
    enqueueDeliveries(queues, groupedByRoute(deliveries.map(renewed), queues.keys), { round: randomUUID() }),
  );
}

/** As it is sent first. The node that held a socket may be gone, so the delivery is sent as to parked sockets. */
function renewed(delivery: Delivery): Delivery {
  const { transport } = delivery;
  const first = { ...delivery, attempt: 1, sparedSince: undefined, lookedAt: undefined };
  if (!isRegistered(transport)) return withTarget(first, { kind: 'parked', step: 'find' });
  // It may have failed because its subscription lacked credentials that it has since received.
  return hasConfiguredUri(transport) ? { ...first, hasMeta: true } : first;
}
