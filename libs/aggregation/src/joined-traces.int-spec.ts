import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { itemOf, PayloadTexts, type Notification, type StoredNotification } from '@pns/notifications';
import { connectRedis, KeySpace } from '@pns/redis';
import type { TraceContext } from '@pns/transport-contract';
import { windowKey } from './window-key';
import { Windows, type JoinEntry } from './windows';

const shard = 0;
const redis = connectRedis(testRedisUrl());
afterAll(() => redis.quit());

/** The context of a span with this number. */
function contextOf(number: number, tracestate?: string): TraceContext {
  const hex = number.toString(16);
  const traceparent = `00-${hex.padStart(32, '0')}-${hex.padStart(16, '0')}-01`;
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

const traceparentOf = (number: number) => contextOf(number).traceparent;

type Mode = 'equal' | 'latest' | 'collect';

interface Posted extends Partial<Pick<Notification, 'expiresAt' | 'sourceToken'>> {
  readonly trace?: TraceContext;
}

function entry(mode: Mode, { trace, ...changes }: Posted): JoinEntry {
  // The payload ends like a traced item, but the script must not read it as one.
  const payload = { folder: 'default0/INBOX', joined: [traceparentOf(99)], traceparent: traceparentOf(98) };
  const base = { id: 'n', user: 14, topic: 'a', payload, priority: 'high', timestamp: 1 } as const;
  const notification: Notification = { ...base, ...changes, context: 1 };
  return {
    key: windowKey(mode, notification),
    mode,
    delayMs: 0,
    maxDelayMs: 0,
    item: itemOf(notification, new PayloadTexts(payload), trace),
    idempotencyKey: '',
    retentionMs: 1,
  };
}

/** Joins `all`, in one script call if `isTogether`, else in a call for each. Returns the notification that is sent. */
async function sentOf(mode: Mode, all: readonly Posted[], isTogether: boolean): Promise<StoredNotification> {
  const windows = new Windows(redis, new KeySpace(1, freshPrefix()), () => 1000);
  const entries = all.map((each) => entry(mode, each));
  for (const some of isTogether ? [entries] : entries.map((each) => [each])) await windows.join(shard, some, 500, 'x');
  const { windows: taken } = await windows.take(shard, 'batch', 'me', 10);
  expect(taken.map(({ count }) => count)).toEqual([all.length]);
  return (taken[0] as (typeof taken)[0]).notification;
}

const traced = (number: number, changes: Posted = {}): Posted => ({ ...changes, trace: contextOf(number) });

describe.each([
  ['by one script', true],
  ['by several scripts', false],
])('when notifications are joined %s', (_, isTogether) => {
  it.each<[string, Mode, readonly Posted[], number | undefined, readonly number[]]>([
    ['no trace', 'equal', [{}, {}], undefined, []],
    ['the trace of the only one', 'equal', [traced(1)], 1, []],
    ['the trace of the first, which is sent,', 'equal', [traced(1), traced(2), traced(3)], 1, [3, 2]],
    ['the trace of the newest, which is sent,', 'latest', [traced(1), traced(2), traced(3)], 3, [2, 1]],
    ['the trace of the newest, which represents all,', 'collect', [traced(1), traced(2)], 2, [1]],
    [
      'the trace of one that expires later',
      'equal',
      [traced(1, { expiresAt: 5 }), traced(2, { expiresAt: 9 })],
      2,
      [1],
    ],
    ['a trace that began later', 'equal', [{}, traced(2), {}, traced(3)], 2, [3]],
    ['a trace that began earlier', 'latest', [traced(1), traced(2), {}], 2, [1]],
    ['all traces although the source tokens differ', 'latest', [traced(1, { sourceToken: 'a' }), traced(2)], 2, [1]],
    ['a trace once', 'latest', [traced(1), traced(2), traced(1)], 1, [2]],
  ])('the sent notification continues %s, and has the other traces as links', async (_name, mode, all, own, others) => {
    const sent = await sentOf(mode, all, isTogether);
    expect(sent.traceparent).toBe(own === undefined ? undefined : traceparentOf(own));
    expect(sent.joined ?? []).toEqual(others.map(traceparentOf));
    expect(sent.payload).toMatchObject({ traceparent: traceparentOf(98) });
  });

  it('the sent notification keeps the entries of tracing systems', async () => {
    const tracestate = 'vendor="],}\\';
    const sent = await sentOf('equal', [{ trace: contextOf(1, tracestate) }, traced(2)], isTogether);
    expect(sent).toMatchObject({ ...contextOf(1, tracestate), joined: [traceparentOf(2)] });
  });

  it('the sent notification has the traces of the newest 32 others', async () => {
    const numbers = Array.from({ length: 40 }, (_each, index) => index + 1);
    const sent = await sentOf(
      'latest',
      numbers.map((number) => traced(number)),
      isTogether,
    );
    expect(sent.joined).toEqual(numbers.slice(7, 39).reverse().map(traceparentOf));
  });
});

it('a stored notification without a trace has no field for it', () => {
  const { text } = entry('equal', {}).item;
  expect(text.endsWith(',"priority":"high","timestamp":1}')).toBe(true);
});
