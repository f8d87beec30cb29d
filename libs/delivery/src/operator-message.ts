import { hash } from 'node:crypto';
import type { Queues } from '@pns/queue';
import { operatorOwner, type Delivery, type TransportName } from '@pns/transport-contract';
import { enqueueDeliveries } from './enqueue-deliveries';
import { groupedByRoute } from './routing';

/** Endpoints of one client at one server that fail, as the operator's webhook gets them. */
export interface FailingReport {
  readonly transport: TransportName;
  readonly client: string;
  readonly origin: string;
  /** The ids of the endpoints, as in `GET /v1/endpoints`. */
  readonly endpoints: readonly string[];
  /** How much of `disableAfter` has passed; 100: they were switched off. */
  readonly percent: number;
  /** RFC 3339. */
  readonly since: string;
  readonly switchesOffAt: string;
  readonly reason: string;
}

/** Most ids of endpoints in a message. */
const maxIds = 100;

/**
 * Puts a message for the operator into the queue of webhooks. `webhook` is the id of the operator's webhook; the message goes to its
 * configured URI, signed like any other, and is retried and stored like any other. A repeated call makes the same delivery.
 */
export async function sendToOperator(
  queues: Queues,
  webhook: string,
  report: FailingReport,
  now: number,
): Promise<void> {
  const { endpoints, percent } = report;
  const id = hash('sha256', JSON.stringify([webhook, percent, endpoints, report.since]), 'base64url').slice(0, 22);
  const delivery: Delivery = {
    ...operatorOwner,
    ...{ id, notificationId: id, client: webhook, transport: 'webhook', token: '', priority: 'high', count: 1 },
    topic: percent >= 100 ? 'pns:endpoint:switched-off' : 'pns:endpoint:failing',
    payload: { ...report, endpoints: endpoints.slice(0, maxIds), count: endpoints.length },
    ...{ timestamp: now, dueAt: now, attempt: 1 },
  };
  await enqueueDeliveries(queues, groupedByRoute([delivery], queues.keys));
}
