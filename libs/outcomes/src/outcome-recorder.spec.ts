import type { Delivery, Outcome } from '@pns/transport-contract';
import { log } from '@pns/runtime';
import { deadTarget, failedDelivery, logAttempts, reachedReceiver, type Attempt } from './outcome-recorder';

const delivery: Delivery = {
  ...{ id: 'd', notificationId: 'n', subscriptionId: 's', context: 1, user: 14, client: 'c', transport: 'apns' },
  ...{ token: 't', topic: 'ox:mail:new', payload: {}, priority: 'high', count: 1, timestamp: 1, dueAt: 2, attempt: 1 },
};
const dayMs = 86_400_000;
const startedAt = 100 * dayMs;
const reason = 'HTTP 410';

const attempt = (outcome: Outcome, changes: Partial<Delivery> = {}): Attempt => ({
  delivery: { ...delivery, ...changes },
  outcome,
  startedAt,
  durationMs: 5,
});

const every: Readonly<Record<Outcome['kind'], Outcome>> = {
  delivered: { kind: 'delivered' },
  retry: { kind: 'retry', reason },
  gone: { kind: 'gone', reason },
  rejected: { kind: 'rejected', reason },
  misconfigured: { kind: 'misconfigured', reason },
  exhausted: { kind: 'exhausted', reason },
  expired: { kind: 'expired', reason },
  suppressed: { kind: 'suppressed', reason },
  moved: { kind: 'moved', reason },
};
const kinds = Object.values(every);
const kindsWhere = (holds: (outcome: Outcome) => boolean) => kinds.filter(holds).map(({ kind }) => kind);

describe('the subscription to remove', () => {
  it('exists only for a target that is gone, and only if the delivery has a subscription', () => {
    expect(kindsWhere((outcome) => deadTarget(attempt(outcome)) !== undefined)).toEqual(['gone']);
    expect(deadTarget({ ...attempt(every.gone), delivery: withoutSubscription() })).toBeUndefined();
  });

  it.each([
    ['the start of the attempt, if the provider names no time', undefined, startedAt],
    ['the time that the provider names', startedAt - 1000, startedAt - 1000],
    ['a day before the attempt at the earliest', startedAt - 3 * dayMs, startedAt - dayMs],
    ['the start of the attempt at the latest', startedAt + 1000, startedAt],
  ])('has the time of death: %s', (_, since, deadAt) => {
    const outcome: Outcome = { kind: 'gone', reason, ...(since !== undefined && { since }) };
    expect(deadTarget(attempt(outcome))).toEqual({ id: 's', deadAt });
  });
});

describe('the failed delivery to store', () => {
  it('exists for each outcome without success, unless it was suppressed or moved', () => {
    const stored = ['retry', 'gone', 'rejected', 'misconfigured', 'exhausted', 'expired'];
    expect(kindsWhere((outcome) => failedDelivery(attempt(outcome)) !== undefined)).toEqual(stored);
  });

  it('does not exist for a test push, because its caller gets the outcome', () => {
    expect(kindsWhere((outcome) => failedDelivery(attempt(outcome, { replyTo: 'r' })) !== undefined)).toEqual([]);
  });

  it('does not exist for a socket whose delivery expired', () => {
    const socket: Delivery = { ...withoutSubscription(), transport: 'websocket' };
    expect(failedDelivery({ ...attempt(every.expired), delivery: socket })).toBeUndefined();
    expect(failedDelivery({ ...attempt(every.rejected), delivery: socket })).toMatchObject({ reason });
  });

  it('exists for a message to the operator that expired, although it has no subscription', () => {
    expect(failedDelivery({ ...attempt(every.expired), delivery: withoutSubscription() })).toMatchObject({ reason });
  });

  it('is kept only if its endpoint is switched off', () => {
    const isKept = (outcome: Outcome) => failedDelivery(attempt(outcome))?.isKept === true;
    expect(kindsWhere(isKept)).toEqual([]);
    expect(isKept({ kind: 'exhausted', reason, isKept: true })).toBe(true);
  });

  it('is held only if the credentials of the client are at fault', () => {
    const isHeld = (outcome: Outcome) => failedDelivery(attempt(outcome))?.isHeld === true;
    expect(kindsWhere(isHeld)).toEqual(['misconfigured']);
    expect(isHeld({ kind: 'misconfigured', reason, isTargetOnly: true })).toBe(false);
  });
});

describe('the duration of an attempt', () => {
  it('counts if the receiver was reached', () => {
    const counted = ['delivered', 'retry', 'gone', 'rejected', 'misconfigured', 'exhausted'];
    expect(kindsWhere((outcome) => reachedReceiver(attempt(outcome)))).toEqual(counted);
  });

  it.each<[string, Attempt]>([
    ['was not sent', { ...attempt(every.retry), isUnsent: true }],
    ['waits', attempt({ kind: 'retry', reason, isWaiting: true })],
    ['failed because of a fault of ours', attempt({ kind: 'retry', reason, isInternal: true })],
    ['was deferred', attempt({ kind: 'retry', reason, isDeferred: true })],
  ])('does not count if the delivery %s', (_, unsent) => expect(reachedReceiver(unsent)).toBe(false));
});

function withoutSubscription(): Delivery {
  const socket = { ...delivery };
  Reflect.deleteProperty(socket, 'subscriptionId');
  return socket;
}

describe('the log', () => {
  const write = jest.spyOn(process.stdout, 'write');
  afterEach(() => (log.level = 'info'));
  afterAll(() => write.mockRestore());

  /** The log lines for two deliveries that arrived at once, one that arrived later, and one that failed. */
  async function linesAt(level: string): Promise<Record<string, unknown>[]> {
    log.level = level;
    const lines: string[] = [];
    write.mockImplementation((text) => lines.push(String(text)) > 0);
    logAttempts([
      attempt(every.delivered, { id: 'd1' }),
      attempt(every.delivered, { id: 'd2', notificationId: 'n2' }),
      attempt(every.delivered, { id: 'd3', attempt: 2 }),
      attempt(every.gone, { id: 'd4' }),
    ]);
    await new Promise((resolve) => setImmediate(resolve));
    return lines.flatMap((text) => text.trim().split('\n')).map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  it('has one line for the deliveries that arrived at the first attempt, and a line for each other attempt', async () => {
    const lines = await linesAt('info');
    expect(lines).toMatchObject([
      { event: 'deliveries.delivered', deliveries: ['d1', 'd2'], notifications: ['n', 'n2'], transport: 'apns' },
      { event: 'delivery.attempted', delivery: 'd3', attempt: 2, outcome: 'delivered' },
      { event: 'delivery.attempted', delivery: 'd4', outcome: 'gone', reason },
    ]);
  });

  it('has a line for each attempt at level debug', async () => {
    const attempted = (await linesAt('debug')).filter(({ event }) => event === 'delivery.attempted');
    expect(attempted.map(({ delivery: id }) => id)).toEqual(['d1', 'd2', 'd3', 'd4']);
  });
});
