import { NoAnswerError } from './no-answer';
import { type Grant, TokenCache } from './token-cache';

const never = new AbortController().signal;

/** A token endpoint, which numbers its tokens, and a clock. */
function scene() {
  let now = 1_700_000_000_000;
  let requests = 0;
  const endpoint: { answer: () => Promise<Grant> } = {
    answer: () => Promise.resolve({ text: `token-${requests}`, lifetimeMs: 3_600_000 }),
  };
  const cache = new TokenCache(
    () => {
      requests++;
      return endpoint.answer();
    },
    () => now,
  );
  return {
    endpoint,
    requests: () => requests,
    forward: (ms: number) => (now += ms),
    send: (isStale: (token: string) => boolean = () => false) =>
      cache.send((token) => Promise.resolve(token), isStale, never),
  };
}

const refusal = new NoAnswerError({ kind: 'misconfigured', reason: 'refused' });

it('requests one token for all that ask at once, and keeps it', async () => {
  const { send, requests } = scene();
  expect(await Promise.all([send(), send(), send()])).toEqual(['token-1', 'token-1', 'token-1']);
  expect(await send()).toBe('token-1');
  expect(requests()).toBe(1);
});

it('renews a token five minutes before it expires, and uses the old one until then', async () => {
  const { send, forward } = scene();
  await send();
  forward(55 * 60_000);
  expect(await send()).toBe('token-1');
  expect(await send()).toBe('token-2');
});

it('uses a valid token while the renewal is refused', async () => {
  const { send, forward, endpoint } = scene();
  await send();
  endpoint.answer = () => Promise.reject(refusal);
  forward(55 * 60_000);
  expect(await send()).toBe('token-1');
  expect(await send()).toBe('token-1');
  forward(5 * 60_000);
  await expect(send()).rejects.toBe(refusal);
});

it('holds a refusal for five seconds', async () => {
  const { send, forward, endpoint, requests } = scene();
  endpoint.answer = () => Promise.reject(refusal);
  for (let count = 0; count < 3; count++) await expect(send()).rejects.toBe(refusal);
  expect(requests()).toBe(1);
  forward(5000);
  await expect(send()).rejects.toBe(refusal);
  expect(requests()).toBe(2);
});

it.each([
  [undefined, 0],
  [2000, 2000],
  [60_000, 5000],
])('holds a fault of the endpoint that names a wait of %s ms for %i ms', async (afterMs, heldMs) => {
  const { send, forward, endpoint, requests } = scene();
  const fault = { kind: 'retry', reason: 'away', ...(afterMs !== undefined && { afterMs }) } as const;
  endpoint.answer = () => Promise.reject(new NoAnswerError(fault));
  await expect(send()).rejects.toThrow('away');
  if (heldMs > 0) {
    forward(heldMs - 1);
    await expect(send()).rejects.toThrow('away');
    expect(requests()).toBe(1);
    forward(1);
  }
  await expect(send()).rejects.toThrow('away');
  expect(requests()).toBe(2);
});

it('sends once more with another token when the first is stale, but does not replace one younger than five seconds', async () => {
  const { send, forward } = scene();
  await send();
  expect(await send(() => true)).toBe('token-1');
  forward(5000);
  expect(await send((token) => token === 'token-1')).toBe('token-2');
});
