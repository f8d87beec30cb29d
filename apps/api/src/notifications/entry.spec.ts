import { isNestedDeeper, readEntry } from './entry';

const now = 1_700_000_000_000;
const entry = { context: 1, user: 14, topic: 'my:topic', payload: { a: 1 } };

function read(changes: object, textBytes = 1000) {
  return readEntry({ ...entry, ...changes }, textBytes, now);
}

describe('an entry', () => {
  it('becomes a notification that holds what was said and no more', () => {
    const result = read({ id: 'chosen', ttlSeconds: 10 });
    expect(result).toEqual({
      ok: true,
      hasUsers: false,
      notifications: [
        { ...entry, id: 'chosen', idempotencyKey: 'chosen', priority: 'high', timestamp: now, expiresAt: now + 10_000 },
      ],
    });
  });

  it('becomes one for each of its users', () => {
    const result = read({ user: undefined, users: [5, 3], id: 'chosen' });
    expect(result).toMatchObject({ ok: true, hasUsers: true, notifications: [{ user: 5 }, { user: 3 }] });
  });

  // Each of these numbers takes four characters to send and 21 to keep.
  it.each([
    [2900, true],
    [3000, false],
  ])('with %d numbers that grow when they are written again is taken: %s', (count, isTaken) => {
    const numbers = Array<number>(count).fill(1e20);
    expect(read({ payload: { numbers } }, count * 5 + 100).ok).toBe(isTaken);
  });

  it('names every fault', () => {
    const result = read({ user: 0, topic: 'a b', colour: 1 });
    expect(result).toMatchObject({ ok: false, refusal: { code: 'NOTIFICATION_INVALID' } });
    expect(result.ok ? [] : result.refusal.faults.map(({ field }) => field)).toEqual(['user', 'topic', 'colour']);
  });
});

it.each([
  [1, 0, false],
  [null, 0, false],
  [{}, 0, true],
  [{}, 1, false],
  [{ a: [1] }, 1, true],
  [{ a: [1] }, 2, false],
  [[[[]]], 2, true],
])('%j is nested deeper than %d levels: %s', (value, levels, expected) => {
  expect(isNestedDeeper(value, levels)).toBe(expected);
});
