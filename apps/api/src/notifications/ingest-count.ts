import type { JoinStatus } from '@pns/aggregation';
import { declareCounter } from '@pns/runtime';
import { problemFor } from '../http/problem.filter';

const notificationsTotal = declareCounter({
  name: 'pns_notifications_total',
  help: 'Notifications by the answer to the producer: accepted, duplicate, refused (a fault of the request), limited (429: the rate limit of the API key is used up), or overloaded (503: too many notifications wait, or Redis is full or not reachable).',
  labels: { result: ['accepted', 'duplicate', 'refused', 'limited', 'overloaded'] },
});

/** Counts one notification or refused entry, from any protocol. */
export function count(result: Exclude<JoinStatus, 'reused'> | 'refused'): void {
  notificationsTotal.inc({ result });
}

/** Counts several notifications. `reused` counts as refused, because the producer used an id for other content. */
export function countAll(statuses: readonly JoinStatus[]): void {
  const counts = { accepted: 0, duplicate: 0, reused: 0 };
  for (const status of statuses) counts[status]++;
  notificationsTotal.inc({ result: 'accepted' }, counts.accepted);
  notificationsTotal.inc({ result: 'duplicate' }, counts.duplicate);
  notificationsTotal.inc({ result: 'refused' }, counts.reused);
}

/** Counts notifications that were not accepted because of `error`, if its status is 429 or 503. Other errors are not counted. */
export function countNotAccepted(notifications: number, error: unknown): void {
  const { status } = problemFor(error);
  if (status === 503) notificationsTotal.inc({ result: 'overloaded' }, notifications);
  if (status === 429) notificationsTotal.inc({ result: 'limited' }, notifications);
}
