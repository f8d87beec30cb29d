import { isEndpointFailure, webhookOutcome } from './webhook.outcome';

const now = Date.UTC(2026, 0, 5, 12, 0, 0);

const expected = (status: number): string => {
  if (status >= 200 && status <= 299) return 'delivered';
  if ([403, 404, 405, 410].includes(status)) return 'gone';
  if ([401, 407].includes(status)) return 'misconfigured';
  if ([408, 421, 425, 429].includes(status) || status < 200 || status >= 500) return 'retry';
  return 'rejected';
};

it.each(Array.from({ length: 500 }, (_, index) => index + 100))('the status %i has an outcome', (status) => {
  const outcome = webhookOutcome(status, undefined, now);
  expect(outcome.kind).toBe(expected(status));
  if (outcome.kind !== 'delivered') expect(outcome.reason).toContain(String(status));
  expect(outcome).not.toHaveProperty('afterMs');
});

it('the reason of a redirect says what to do', () => {
  expect(webhookOutcome(308, undefined, now)).toEqual({
    kind: 'rejected',
    reason: 'The endpoint answered 308, and redirects are not followed: register its new URI.',
  });
});

it.each([408, 429, 500, 502, 503, 504])('Retry-After of a %i is obeyed', (status) => {
  expect(webhookOutcome(status, '7', now)).toMatchObject({ kind: 'retry', afterMs: 7000 });
});

it.each([200, 302, 400, 401, 404])('Retry-After of a %i is ignored', (status) => {
  expect(webhookOutcome(status, '7', now)).not.toHaveProperty('afterMs');
});

it('only a 5xx answer counts as a failure of the endpoint', () => {
  expect([200, 302, 404, 429, 499].some(isEndpointFailure)).toBe(false);
  expect([500, 503, 599].every(isEndpointFailure)).toBe(true);
});
