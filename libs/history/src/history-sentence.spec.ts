import type { AttemptHistory, DeliveryHistory, NotificationHistory } from './history-reader';
import { historySentence } from './history-sentence';

const at = Date.UTC(2026, 10, 29, 10, 31);
const later = at + 60_000;
const start = 'ox:mail:new for user 14 in context 1 was received at 2026-11-29T10:31:00.000Z and ';

type Facts = Omit<NotificationHistory, 'sentence'>;

const facts = (changes: Partial<Facts> = {}): Facts => ({
  ...{ id: 'n', context: 1, user: 14, topic: 'ox:mail:new', recorded: 'all', received: at, deliveries: [], gaps: [] },
  ...changes,
});

const attempt = (number: number, outcome: string, reason?: string): AttemptHistory => ({
  ...{ number, at, durationMs: 1, outcome },
  ...(reason === undefined ? {} : { reason }),
});

/** A delivery whose last attempt gives its outcome. */
function delivery(attempts: readonly AttemptHistory[], changes: Partial<DeliveryHistory> = {}): DeliveryHistory {
  const { outcome = 'waiting', reason } = attempts.at(-1) ?? {};
  const known = reason === undefined ? {} : { reason };
  return { id: 'd', transport: 'webhook', client: 'crm', outcome, ...known, attempts, ...changes };
}

const dispatched = { dispatched: at + 1000, aggregated: at + 900, joined: 1 };
const failed = [1, 2, 3].map((number) => attempt(number, 'retry', 'answered 500'));

it.each<[string, Partial<Facts>, string]>([
  ['waits', {}, 'waits for similar notifications or for the dispatcher.'],
  [
    'has no target',
    dispatched,
    'was sent to no target, because no subscription and no open socket of the user matches the topic.',
  ],
  [
    'was delivered',
    { ...dispatched, deliveries: [delivery([attempt(1, 'delivered')])] },
    'was delivered to 1 of 1 target. Delivered at the first attempt: crm through webhook.',
  ],
  [
    'was joined',
    { ...dispatched, joinedInto: 'm', deliveries: [delivery([attempt(1, 'delivered')])] },
    'was joined into notification m, which was delivered to 1 of 1 target. Delivered at the first attempt: crm through webhook.',
  ],
  [
    'was joined into one without a target',
    { ...dispatched, joinedInto: 'm' },
    'was joined into notification m, which was sent to no target, because no subscription and no open socket of the user matches the topic.',
  ],
  [
    'was delivered late',
    { ...dispatched, deliveries: [delivery([...failed, attempt(4, 'delivered')])] },
    'was delivered to 1 of 1 target. crm through webhook: delivered at attempt 4 after 3 failed attempts (answered 500).',
  ],
  [
    'was parked',
    { ...dispatched, deliveries: [delivery([attempt(2, 'delivered')])] },
    'was delivered to 1 of 1 target. crm through webhook: delivered at attempt 2.',
  ],
  [
    'is in a queue',
    { ...dispatched, deliveries: [delivery([])] },
    'was delivered to none of 1 target. crm through webhook: it waits in the queue of its transport.',
  ],
  [
    'is retried',
    { ...dispatched, deliveries: [delivery(failed.slice(0, 1), { nextAttempt: later })] },
    'was delivered to none of 1 target. crm through webhook: attempt 1 failed (answered 500), and the next one waits until 2026-11-29T10:32:00.000Z.',
  ],
  [
    'is deferred',
    { ...dispatched, deliveries: [delivery([attempt(1, 'deferred', 'it is down')], { nextAttempt: later })] },
    'was delivered to none of 1 target. crm through webhook: deferred until 2026-11-29T10:32:00.000Z (it is down).',
  ],
  [
    'expired',
    { ...dispatched, deliveries: [delivery([attempt(1, 'deferred'), attempt(1, 'expired', 'its time ended')])] },
    'was delivered to none of 1 target. crm through webhook: expired after 1 deferral, because its time ended.',
  ],
  [
    'was given up',
    { ...dispatched, deliveries: [delivery([...failed, attempt(4, 'exhausted', 'answered 503')])] },
    'was delivered to none of 1 target. crm through webhook: given up after 4 attempts (answered 503).',
  ],
  [
    'reached a device that is gone, and another one not at all',
    {
      ...dispatched,
      deliveries: [
        delivery([attempt(1, 'gone', 'Unregistered')], { transport: 'apns', client: 'mail' }),
        delivery([], { outcome: 'suppressed', reason: 'x is false for the context' }),
      ],
    },
    'was delivered to none of 2 targets. mail through apns: its target is gone (Unregistered), so the subscription was removed. crm through webhook: not sent, because x is false for the context.',
  ],
  [
    'may be incomplete',
    { ...dispatched, deliveries: [delivery([attempt(1, 'delivered')])], gaps: [{ since: at, until: later }] },
    'was delivered to 1 of 1 target. Delivered at the first attempt: crm through webhook. Some records between 2026-11-29T10:31:00.000Z and 2026-11-29T10:32:00.000Z were lost, so this may be incomplete.',
  ],
  [
    'is recorded for its failures only',
    { recorded: 'failures', deliveries: [delivery([], { outcome: 'suppressed', reason: 'x is false' })] },
    'was delivered to none of 1 recorded target. crm through webhook: not sent, because x is false. Deliveries that arrived at the first attempt are not recorded.',
  ],
  [
    'has many targets',
    {
      ...dispatched,
      deliveries: [
        ...Array.from({ length: 7 }, () => delivery([attempt(1, 'delivered')])),
        ...Array.from({ length: 6 }, () => delivery([attempt(1, 'rejected', 'answered 413')])),
      ],
    },
    `was delivered to 7 of 13 targets. Delivered at the first attempt: ${Array(5).fill('crm through webhook').join(', ')}, 2 more. ${Array(5).fill('crm through webhook: rejected (answered 413).').join(' ')} 1 more target is among the deliveries.`,
  ],
])('says of a notification that %s', (_, changes, end) => {
  expect(historySentence(facts(changes))).toBe(start + end);
});
