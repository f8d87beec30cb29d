import type { JoinStatus } from '@pns/aggregation';
import { declareCounter } from '@pns/runtime';
import { problemFor } from '../http/problem.filter';

const notificationsTotal = declareCounter({
  name: 'pns_notifications_total',
  help: 'Notifications by the answer to the producer: accepted, duplicate, refused (a fault of the request), limited (429: the rate limit of the API key is used up), or overloaded (503: too much waits, or Redis is full or out of reach).',
  labels: { result: ['accepted', 'duplicate', 'refused', 'limited', 'overloaded'] },
});

/** Counts one notification, or entry, that came in over whichever protocol. */
export function count(result: Exclude<JoinStatus, 'reused'> | 'refused'): void {
  notificationsTotal.inc({ result });
}

/** Counts what became of several. An id that is in use for other content is the producer's fault. */
export function countAll(statuses: readonly JoinStatus[]): void {
  const counts = { accepted: 0, duplicate: 0, reused: 0 };
  for (const status of statuses) counts[status]++;
  notificationsTotal.inc({ result: 'accepted' }, counts.accepted);
  notificationsTotal.inc({ result: 'duplicate' }, counts.duplicate);
  notificationsTotal.inc({ result: 'refused' }, counts.reused);
}

/** Counts notifications that could not be taken in because of `error`, unless it is a bug, which the log tells of. */
export function countUntaken(notifications: number, error: unknown): void {
  const { status } = problemFor(error);
  if (status === 503) notificationsTotal.inc({ result: 'overloaded' }, notifications);
  if (status === 429) notificationsTotal.inc({ result: 'limited' }, notifications);
}
