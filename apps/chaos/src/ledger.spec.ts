import { Ledger } from './ledger';
import { signedAt } from './load';

it('distinguishes the first arrival of a delivery from later ones, and counts those as doubled', () => {
  const ledger = new Ledger(['websocket']);
  ledger.posted(['a']);
  ledger.accepted('a');
  const arrivals = [1, 2, 3].map((at) => ledger.arrived({ at, stream: 'websocket', id: 'a' }));
  expect(arrivals).toEqual([true, false, false]);
  expect(ledger.openExcept(() => false)).toBe(0);
  expect(ledger.accounts([], () => [])).toMatchObject([{ expected: 1, lost: [], doubled: 2 }]);
});

it('does not wait for notifications whose sockets were sent notifications:missed', () => {
  const ledger = new Ledger(['websocket', 'apns']);
  for (const id of ['a', 'b', 'c']) {
    ledger.posted([id]);
    ledger.accepted(id);
    ledger.arrived({ at: 1, stream: 'apns', id });
  }
  ledger.arrived({ at: 1, stream: 'websocket', id: 'a' });
  expect([ledger.openExcept((id) => id === 'b'), ledger.openStreams]).toEqual([1, '2 of websocket']);
});

it.each<[string, (number | undefined)[], number, number]>([
  ['its first request was answered when its sender had given up', [5000, 0], 1, 0],
  ['its first request was answered in time', [4999, 0], 0, 1],
  ['nobody knows when its first request was sent', [undefined, 0], 0, 1],
  ['only its second request was answered late', [0, 6000], 0, 1],
  ['two requests were answered late', [6000, 5500, 10], 2, 0],
  ['the second of three requests was answered late', [10, 6000, 10], 1, 1],
])('explains a repeated webhook if %s', (_, ages, late, unexplained) => {
  const ledger = new Ledger(['webhook']);
  ledger.posted(['a']);
  ledger.accepted('a');
  for (const [index, age] of ages.entries()) {
    const at = 1_000_000 * (index + 1);
    ledger.arrived({ at, stream: 'webhook', id: 'a', sentAt: age === undefined ? undefined : at - age });
  }
  const [account] = ledger.accounts([], () => []);
  expect([account?.doubled, account?.reasons.get('answered late') ?? 0, account?.unexplained.length]).toEqual([
    ages.length - 1,
    late,
    unexplained,
  ]);
});

it.each<[string[], number | undefined]>([
  [['Host', 'a', 'X-OX-Signature', 't=1795929325150, v1=ab'], 1795929325150],
  [['Host', 'x-ox-signature'], undefined],
  [[], undefined],
])('reads when a request was sent from its signature: %j', (rawHeaders, time) => {
  expect(signedAt(rawHeaders)).toBe(time);
});

it.each<[string, number[], number, number, boolean]>([
  ['a worker was killed before it had recorded the first arrival', [], 5000, 0, true],
  ['a worker was killed soon after it had recorded the first arrival', [4500], 5000, 0, true],
  ['a worker was killed long after it had recorded the first arrival', [100], 5000, 0, false],
  ['a worker was killed long after that, and the machine was busy for as long', [100], 5000, 4000, true],
  ['a worker recorded the arrival a moment before the far side noted it', [-300], 5000, 0, false],
])('knows whether a repeat was in flight: %s', (_, ends, killedAfter, stalledMs, isExplained) => {
  jest.useFakeTimers({ now: 100_000 });
  const ledger = new Ledger(['apns']);
  ledger.posted(['a']);
  ledger.accepted('a');
  ledger.arrived({ at: Date.now(), stream: 'apns', id: 'a' });
  jest.advanceTimersByTime(killedAfter);
  ledger.died('worker-apns');
  jest.advanceTimersByTime(killedAfter);
  ledger.arrived({ at: Date.now(), stream: 'apns', id: 'a' });
  jest.useRealTimers();
  ledger.stalledMs = stalledMs;
  const [account] = ledger.accounts([], () => ends.map((end) => 100_000 + end));
  expect([account?.doubled, account?.unexplained.length]).toEqual([1, isExplained ? 0 : 1]);
});

it('keeps the time of the slowest write of Redis, except for writes during an outage', () => {
  jest.useFakeTimers({ now: 100_000 });
  const ledger = new Ledger(['apns']);
  ledger.written(100_000, 100_700);
  const isBack = ledger.redisWentAway();
  jest.advanceTimersByTime(9000);
  isBack();
  ledger.written(99_000, 101_000);
  ledger.written(108_000, 115_000);
  jest.useRealTimers();
  expect(ledger.slowestWriteMs).toBe(700);
});

it('explains a repeat by an attempt without an answer, and by an outage of Redis', () => {
  jest.useFakeTimers({ now: 100_000 });
  const ledger = new Ledger(['apns']);
  const arrive = (id: string): void => {
    ledger.posted([id]);
    ledger.accepted(id);
    ledger.arrived({ at: Date.now(), stream: 'apns', id });
    jest.advanceTimersByTime(20_000);
    ledger.arrived({ at: Date.now(), stream: 'apns', id });
  };
  const reason = 'no answer: Apple did not answer';
  const unanswered = { stream: 'apns', id: 'a', at: Date.now() + 10_000, reason };
  arrive('a');
  const endedBeforeItWasNoted = { ...unanswered, id: 'd', at: Date.now() - 500 };
  arrive('d');
  arrive('b');
  ledger.redisWentAway()();
  arrive('c');
  jest.useRealTimers();
  const [account] = ledger.accounts(
    [unanswered, endedBeforeItWasNoted, { ...unanswered, id: 'b', at: unanswered.at - 20_000 }],
    (_, id) => (id === 'b' ? [140_000] : []),
  );
  expect(account?.reasons).toEqual(
    new Map([
      [reason, 2],
      ['Redis away', 1],
    ]),
  );
  expect(account?.unexplained).toMatchObject([{ id: 'b' }]);
});

it.each<[string, readonly ('first' | 'begins' | 'ends' | 'second')[], string | undefined]>([
  ['a fault between both arrivals', ['first', 'begins', 'ends', 'second'], 'killed'],
  ['a fault during which the first one arrived', ['begins', 'first', 'ends', 'second'], 'killed'],
  ['a fault after both', ['first', 'second', 'begins', 'ends'], undefined],
])('names %s as the reason of a double', (_, order, reason) => {
  jest.useFakeTimers();
  const ledger = new Ledger(['apns']);
  ledger.posted(['a']);
  ledger.accepted('a');
  let end = (): unknown => undefined;
  for (const each of order) {
    if (each === 'begins') end = ledger.disturbed('killed', 'apns');
    else if (each === 'ends') end();
    else ledger.arrived({ at: Date.now(), stream: 'apns', id: 'a' });
    jest.advanceTimersByTime(100);
  }
  jest.useRealTimers();
  const [account] = ledger.accounts([], () => []);
  expect([...(account?.reasons.keys() ?? [])]).toEqual(reason === undefined ? [] : [reason]);
  expect(account?.unexplained.length).toBe(reason === undefined ? 1 : 0);
});
