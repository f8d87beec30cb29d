import type { IngestStatus } from '@pns/aggregation';
import { metrics } from '@pns/runtime';
import { Counter } from 'prom-client';
import { problemFor } from '../http/problem.filter';

const notificationsTotal = new Counter({
  name: 'pns_notifications_total',
  help: 'Notifications by what became of them at the door: accepted, duplicate, refused (their fault), limited (answered 429: the rate limit of the API key is used up), or overloaded (answered 503: too much waits, or Redis is out of reach).',
  labelNames: ['result'],
  registers: [metrics],
});

/** Counts one notification, or entry, that came in over whichever protocol. */
export function count(result: IngestStatus | 'refused'): void {
  notificationsTotal.inc({ result });
}

/** Counts what became of several. */
export function countAll(statuses: readonly IngestStatus[]): void {
  const accepted = statuses.filter((status) => status === 'accepted').length;
  notificationsTotal.inc({ result: 'accepted' }, accepted);
  notificationsTotal.inc({ result: 'duplicate' }, statuses.length - accepted);
}

/** Counts notifications that could not be taken in because of `error`, unless it is a bug, which the log tells of. */
export function countUntaken(notifications: number, error: unknown): void {
  const { status } = problemFor(error);
  if (status === 503) notificationsTotal.inc({ result: 'overloaded' }, notifications);
  if (status === 429) notificationsTotal.inc({ result: 'limited' }, notifications);
}
