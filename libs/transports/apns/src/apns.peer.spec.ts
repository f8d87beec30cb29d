import { apple, defaultTimes } from './apns.peer';

it.each([
  ['BadCertificate', true],
  ['Forbidden', true],
  ['Shutdown', false],
  ['IdleTimeout', false],
  ['ExpiredProviderToken', false],
])('a GOAWAY with the reason %s concerns our credentials: %s', (reason, isAboutCredentials) => {
  expect(apple.goAwayReason?.(JSON.stringify({ reason }))).toEqual({ reason, isAboutCredentials });
});

it.each(['', '{}', 'null', 'no JSON'])('a GOAWAY with the data %j has no reason', (data) => {
  expect(apple.goAwayReason?.(data)).toBeUndefined();
});

it('a connection that no longer answers is closed within 15 seconds', () => {
  const { silentMs, pongMs } = defaultTimes;
  // A check runs every `silentMs / 2`, so a check may be late by that time.
  expect(silentMs + silentMs / 2 + pongMs).toBeLessThanOrEqual(15_000);
});
