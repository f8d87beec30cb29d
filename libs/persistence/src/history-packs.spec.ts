import {
  attemptIn,
  packedAttempts,
  packedWindows,
  slotMs,
  windowIn,
  type Pack,
  type PackedRecord,
} from './history-packs';
import type { HistoryAttempt, HistoryWindow } from './history-rows';

const slot = 1_790_000_000_000 - (1_790_000_000_000 % slotMs);

function windowAt(at: number, changes: Partial<HistoryWindow> = {}): HistoryWindow {
  const target = { delivery: 'd', transport: 'webhook', client: 'crm', subscription: 's' } as const;
  return {
    ...{ at, acceptedAt: at, dueAt: at, context: 1, user: 14, place: 7, count: 1, windowKey: 'key', notification: 'a' },
    targets: [target, { delivery: 'e', transport: 'websocket', client: 'browser' }],
    ...changes,
  };
}

function attemptAt(at: number, changes: Partial<HistoryAttempt> = {}): HistoryAttempt {
  return {
    ...{ at, dueAt: at, context: 1, user: 14, notification: 'a', delivery: 'd', transport: 'webhook', client: 'crm' },
    ...{ attempt: 1, durationMs: 3, outcome: 'delivered', providerId: 'p', ...changes },
  };
}

const times = <Row>(count: number, row: Row): Row[] => Array.from({ length: count }, () => row);
const recordsOf = ({ records }: Pack) => JSON.parse(records) as PackedRecord[];

it('packs up to 100 usual records of a slot, and leaves fewer than 25 as rows', () => {
  const sizes = (count: number) => {
    const { rows, packs } = packedWindows(times(count, windowAt(slot)));
    return [...packs.map((pack) => recordsOf(pack).length), rows.length];
  };
  expect([0, 24, 25, 124, 125, 230].map(sizes)).toEqual([
    [0],
    [24],
    [25, 0],
    [100, 24],
    [100, 25, 0],
    [100, 100, 30, 0],
  ]);
});

it('packs no records of two slots together', () => {
  const { rows, packs } = packedAttempts([
    ...times(30, attemptAt(slot - 1)),
    ...times(30, attemptAt(slot)),
    ...times(10, attemptAt(slot + slotMs)),
  ]);
  expect(packs.map(({ at }) => at)).toEqual([slot - slotMs, slot]);
  expect(rows).toHaveLength(10);
});

it.each([
  ['is joined', windowAt(slot, { count: 2 })],
  ['has no key', windowAt(slot, { windowKey: '' })],
  ['was dispatched late', windowAt(slot, { acceptedAt: slot - slotMs })],
  ['was accepted by a process whose clock is fast', windowAt(slot, { acceptedAt: slot + 1 })],
  ['has many targets', windowAt(slot, { targets: times(9, windowAt(slot).targets[0] as never) })],
])('leaves a window as a row that %s', (_, window) => {
  expect(packedWindows(times(30, window))).toEqual({ rows: times(30, window), packs: [] });
});

it.each([
  ['failed', attemptAt(slot, { outcome: 'gone' })],
  ['is not the first one', attemptAt(slot, { attempt: 2 })],
  ['was made late', attemptAt(slot, { dueAt: slot - slotMs })],
  ['has no due time', attemptAt(slot, { dueAt: undefined })],
])('leaves an attempt as a row that %s', (_, attempt) => {
  expect(packedAttempts(times(30, attempt))).toEqual({ rows: times(30, attempt), packs: [] });
});

it('reads records as they were, except for the times that decide whether they are packed', () => {
  const { acceptedAt, ...window } = windowAt(slot + 4);
  const { dueAt, ...attempt } = attemptAt(slot + 5);
  const [ofWindows] = packedWindows(times(25, { ...window, acceptedAt })).packs;
  const [ofAttempts] = packedAttempts(times(25, { ...attempt, dueAt })).packs;
  expect(recordsOf(ofWindows as Pack).map(windowIn)).toEqual(times(25, window));
  expect(recordsOf(ofAttempts as Pack).map(attemptIn)).toEqual(times(25, { ...attempt, subscription: undefined }));
  const { providerId, ...without } = attempt;
  expect(providerId).toBe('p');
  const [again] = packedAttempts(times(25, { ...without, dueAt })).packs;
  expect(attemptIn(recordsOf(again as Pack)[0] as PackedRecord)).toEqual(without);
});

it('names the contexts and owners of its records', () => {
  const of = (context: number, user: number) => times(10, windowAt(slot, { context, user }));
  const [pack] = packedWindows([...of(1, 1), ...of(1, 2), ...of(2, 1)]).packs;
  expect(pack?.contexts).toEqual([1, 2]);
  expect(new Set(pack?.owners).size).toBe(3);
});
