import { hash } from 'node:crypto';
import type { Queues } from '@pns/queue';
import { operatorOwner, type Delivery, type TransportName } from '@pns/transport-contract';
import { enqueueDeliveries } from './enqueue-deliveries';
import { groupedByRoute } from './routing';

/** The failing endpoints of one client at one server, as the operator's webhook receives them. */
interface FailingReport {
  readonly transport: TransportName;
  readonly client: string;
  readonly origin: string;
  /** The ids of the endpoints, as in `GET /v1/endpoints`; up to `maxIds`. */
  readonly endpoints: readonly string[];
  readonly count: number;
  /** How much of `disableAfter` has passed; 100: the endpoints were switched off. */
  readonly percent: number;
  /** When the endpoints began to fail, in the format of RFC 3339. */
  readonly since: string;
  readonly switchesOffAt: string;
  readonly reason: string;
}

/** Maximum number of ids of endpoints in a message. */
export const maxIds = 100;

/**
 * Puts messages for the operator into the queue of webhooks. `webhook` is the id of the operator's webhook; a message goes to its
 * configured URI, and is signed, retried and stored like any other delivery. A repeated call makes the same deliveries.
 */
export async function sendToOperator(
  queues: Queues,
  webhook: string,
  reports: readonly FailingReport[],
  now: number,
): Promise<void> {
  const deliveries = reports.map((report) => deliveryOf(webhook, report, now));
  await enqueueDeliveries(queues, groupedByRoute(deliveries, queues.keys));
}

function deliveryOf(webhook: string, report: FailingReport, now: number): Delivery {
  const { endpoints, count, percent } = report;
  const identity = JSON.stringify([webhook, percent, endpoints, count, report.since]);
  const id = hash('sha256', identity, 'base64url').slice(0, 22);
  return {
    ...operatorOwner,
    ...{ id, notificationId: id, client: webhook, transport: 'webhook', token: '', priority: 'high', count: 1 },
    topic: percent >= 100 ? 'pns:endpoint:switched-off' : 'pns:endpoint:failing',
    payload: { ...report },
    ...{ timestamp: now, dueAt: now, attempt: 1 },
  };
}
