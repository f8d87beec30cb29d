import type { NotificationHistory } from '@pns/history';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { client, idNumber, idText, notificationId, pageQuery, timeIn, topic } from '../http/fields';

/**
 * The outcomes of attempts. `deferred`: no attempt was made. `moved`: the delivery went to another queue, because its target
 * moved.
 */
const outcomes = [
  ...['delivered', 'retry', 'gone', 'rejected', 'misconfigured', 'exhausted', 'expired', 'suppressed', 'deferred'],
  'moved',
] as const;

const outcome = z.enum(outcomes, `must be one of ${outcomes.join(', ')}`);

export class HistoryQuery extends createZodDto(
  z.strictObject({
    context: idText,
    user: idText,
    topic: topic.optional(),
    client: client.optional().describe('Only notifications with an attempt for this client.'),
    outcome: outcome.optional().describe('Only notifications with an attempt that has this outcome.'),
    since: timeIn('The first time of acceptance, inclusive.'),
    until: timeIn('The last time of acceptance, exclusive.'),
    ...pageQuery,
  }),
) {}

export class HistoryPath extends createZodDto(z.object({ id: notificationId })) {}

export class HistoryReachQuery extends createZodDto(
  z.strictObject({
    context: idText.optional(),
    user: idText.optional(),
    source: z.string().min(1).max(2048).optional().describe('Only CloudEvents with this `source`.'),
  }),
) {}

const decidedBy = z.object({
  name: z.string().describe('The property.'),
  origin: z.object({ scope: z.string(), id: z.string().optional() }).describe('The scope in which it is set.'),
});

const attempt = z.object({
  number: z.int().describe('1 for the first attempt. A deferral has the number of the attempt that it delays.'),
  at: z.iso.datetime(),
  durationMs: z.number(),
  outcome: z.string(),
  reason: z.string().optional().describe("The provider's answer, or the reason from PNS. It contains no secrets."),
  providerId: z.string().optional().describe("The provider's id of the push."),
  nextAttempt: z.iso.datetime().optional(),
});

const delivery = z.object({
  id: z.string().optional().describe('Absent if the target was suppressed before a delivery was made.'),
  transport: z.string(),
  client: z.string(),
  subscription: z.string().optional().describe('Absent for sockets.'),
  outcome: z.string().describe('The outcome of the last attempt; `waiting` before the first one.'),
  reason: z.string().optional(),
  decidedBy: decidedBy.optional().describe('The property that switches the transport off.'),
  nextAttempt: z.iso.datetime().optional(),
  attempts: z.array(attempt),
});

const producer = z
  .string()
  .optional()
  .describe('Of a CloudEvent: a digest of its `source`. Two sources may use the same id.');

const notification = z.object({
  id: z.string(),
  producer,
  context: idNumber,
  user: idNumber,
  topic: z.string(),
  recorded: z
    .enum(['all', 'failures'])
    .describe('`failures` if the deliveries that arrived at the first attempt are left out.'),
  received: z.iso.datetime(),
  aggregated: z.iso.datetime().optional().describe('When its window fell due.'),
  dispatched: z.iso.datetime().optional().describe('When its deliveries were in their queues.'),
  joined: z.int().optional().describe('The number of notifications in its window.'),
  joinedInto: z.string().optional().describe('The id of the notification that was sent for it.'),
  deliveries: z.array(delivery).describe('If it was joined into another one, the deliveries of that one.'),
  gaps: z
    .array(z.object({ since: z.iso.datetime(), until: z.iso.datetime() }))
    .describe('Times in which records of the history were lost, while Postgres was away.'),
  sentence: z.string().describe('Its history in words.'),
});

type NotificationView = z.infer<typeof notification>;

export class HistoryList extends createZodDto(
  z.object({ items: z.array(notification), nextCursor: z.string().optional() }),
) {}

export class NamedNotification extends createZodDto(
  notification.extend({
    others: z
      .array(z.object({ producer, context: idNumber, user: idNumber, received: z.iso.datetime() }))
      .describe(
        'Other notifications with this id, up to 99: an id of a producer may address several users, and CloudEvents of several sources may have the same id.',
      ),
  }),
) {}

const iso = (ms: number): string => new Date(ms).toISOString();
const isoIf = <Name extends string>(name: Name, ms: number | undefined): Partial<Record<Name, string>> =>
  ms === undefined ? {} : ({ [name]: iso(ms) } as Record<Name, string>);

export function historyView({ received, aggregated, dispatched, ...of }: NotificationHistory): NotificationView {
  return {
    ...of,
    received: iso(received),
    ...isoIf('aggregated', aggregated),
    ...isoIf('dispatched', dispatched),
    deliveries: of.deliveries.map(({ nextAttempt, attempts, ...to }) => ({
      ...to,
      ...isoIf('nextAttempt', nextAttempt),
      attempts: attempts.map(({ at, nextAttempt: next, ...made }) => ({
        ...made,
        at: iso(at),
        ...isoIf('nextAttempt', next),
      })),
    })),
    gaps: of.gaps.map(({ since, until }) => ({ since: iso(since), until: iso(until) })),
  };
}

/** The columns of a list as CSV. */
export const historyColumns = [
  ...['id', 'context', 'user', 'topic', 'received', 'aggregated', 'dispatched', 'joined', 'joinedInto'],
  ...['targets', 'delivered', 'sentence'],
];

export function historyCells(of: NotificationHistory): (string | number | undefined)[] {
  const { id, context, user, topic: about, received, aggregated, dispatched, joinedInto } = historyView(of);
  const delivered = of.deliveries.filter(({ outcome: ended }) => ended === 'delivered').length;
  return [
    ...[id, context, user, about, received, aggregated, dispatched, of.joined, joinedInto],
    ...[of.deliveries.length, delivered, of.sentence],
  ];
}
