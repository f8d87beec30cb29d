import { readJson } from '../json/read-json';
import { readEntry } from './entry';
import { entryBounds } from './posted';

const now = 1_700_000_000_000;
const entry = { context: 1, user: 14, topic: 'my:topic', payload: { a: 1 } };

function read(changes: object) {
  return readText(JSON.stringify({ ...entry, ...changes }));
}

function readText(text: string) {
  return readEntry(readJson(Buffer.from(text), entryBounds, 'the notification'), now);
}

describe('an entry', () => {
  it('becomes a notification with exactly the posted values', () => {
    const result = read({ id: 'chosen', ttlSeconds: 10 });
    expect(result).toEqual({
      ok: true,
      hasUsers: false,
      bytes: Buffer.byteLength(
        '{"context":1,"user":14,"topic":"my:topic","payload":{"a":1},"id":"chosen","ttlSeconds":10}',
      ),
      notifications: [
        { ...entry, id: 'chosen', idempotencyKey: 'chosen', priority: 'high', timestamp: now, expiresAt: now + 10_000 },
      ],
    });
  });

  it('becomes one notification for each of its users', () => {
    const result = read({ user: undefined, users: [5, 3], id: 'chosen' });
    expect(result).toMatchObject({ ok: true, hasUsers: true, notifications: [{ user: 5 }, { user: 3 }] });
  });

  // Each of these numbers has four characters in the request and 21 in the stored payload.
  it.each([
    [2900, true],
    [3000, false],
  ])('with %d numbers that grow when JavaScript writes them is accepted: %s', (count, isTaken) => {
    const text = `{"context":1,"user":14,"topic":"x","payload":{"numbers":[${Array(count).fill('1e20').join(',')}]}}`;
    expect(readText(text).ok).toBe(isTaken);
  });

  it('that grows by escape sequences is measured in its stored form', () => {
    const text = (count: number) => JSON.stringify({ ...entry, payload: { text: '\u0001'.repeat(count) } });
    expect(readText(text(10_000)).ok).toBe(true);
    expect(readText(text(11_000))).toMatchObject({ ok: false, refusal: { code: 'PAYLOAD_TOO_LARGE' } });
  });

  it('names every fault', () => {
    const result = read({ user: 0, topic: 'a b', colour: 1 });
    expect(result).toMatchObject({ ok: false, refusal: { code: 'NOTIFICATION_INVALID' } });
    expect(result.ok ? [] : result.refusal.faults.map(({ field }) => field)).toEqual(['user', 'topic', 'colour']);
  });
});
