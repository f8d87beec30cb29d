import { apnsOutcome, documented } from './apns.outcome';

const now = Date.UTC(2026, 0, 5, 12, 0, 0);

/** Apple's table, written independently of the code: its 9 statuses with their 32 reasons, and the outcome of each. */
const table: readonly (readonly [status: number, reason: string, kind: string])[] = [
  [200, '', 'delivered'],
  [400, 'BadCollapseId', 'rejected'],
  [400, 'BadDeviceToken', 'gone'],
  [400, 'BadExpirationDate', 'rejected'],
  [400, 'BadMessageId', 'rejected'],
  [400, 'BadPriority', 'rejected'],
  [400, 'BadTopic', 'misconfigured'],
  [400, 'DeviceTokenNotForTopic', 'misconfigured'],
  [400, 'DuplicateHeaders', 'rejected'],
  [400, 'IdleTimeout', 'retry'],
  [400, 'InvalidPushType', 'rejected'],
  [400, 'MissingDeviceToken', 'rejected'],
  [400, 'MissingTopic', 'misconfigured'],
  [400, 'PayloadEmpty', 'rejected'],
  [400, 'TopicDisallowed', 'misconfigured'],
  [403, 'BadCertificate', 'misconfigured'],
  [403, 'BadCertificateEnvironment', 'misconfigured'],
  [403, 'ExpiredProviderToken', 'retry'],
  [403, 'Forbidden', 'misconfigured'],
  [403, 'InvalidProviderToken', 'misconfigured'],
  [403, 'MissingProviderToken', 'misconfigured'],
  [403, 'UnrelatedKeyIdInToken', 'misconfigured'],
  [403, 'BadEnvironmentKeyIdInToken', 'misconfigured'],
  [404, 'BadPath', 'rejected'],
  [405, 'MethodNotAllowed', 'rejected'],
  [410, 'ExpiredToken', 'gone'],
  [410, 'Unregistered', 'gone'],
  [413, 'PayloadTooLarge', 'rejected'],
  [429, 'TooManyProviderTokenUpdates', 'retry'],
  [429, 'TooManyRequests', 'retry'],
  [500, 'InternalServerError', 'retry'],
  [503, 'ServiceUnavailable', 'retry'],
  [503, 'Shutdown', 'retry'],
];

it('has a row for success and for each of the 32 reasons that Apple documents, and no other row', () => {
  const known = Object.entries(documented).flatMap(([status, reasons]) =>
    Object.keys(reasons).map((reason) => `${status} ${reason}`),
  );
  expect(known.sort()).toEqual(table.map(([status, reason]) => `${status} ${reason}`).sort());
  expect(known).toHaveLength(33);
});

it.each(table)('the answer %i %s has the outcome %s', (status, reason, kind) => {
  const outcome = apnsOutcome({ status, reason }, true, now);
  expect(outcome.kind).toBe(kind);
  if (outcome.kind !== 'delivered')
    expect(outcome.reason).toMatch(new RegExp(`^Apple answered ${status} ${reason}\\b`));
  expect(outcome).not.toHaveProperty('afterMs');
});

it.each([
  [201, 'delivered'],
  [301, 'rejected'],
  [400, 'rejected'],
  [401, 'rejected'],
  [403, 'misconfigured'],
  [404, 'rejected'],
  [408, 'retry'],
  [410, 'gone'],
  [413, 'rejected'],
  [421, 'retry'],
  [429, 'retry'],
  [500, 'retry'],
  [502, 'retry'],
  [599, 'retry'],
])('an undocumented reason with the status %i has the outcome %s', (status, kind) => {
  for (const reason of ['SomethingNew', 'constructor', '__proto__', status === 400 ? '' : 'BadDeviceToken']) {
    expect(apnsOutcome({ status, reason }, true, now).kind).toBe(kind);
  }
});

it('BadEnvironmentKeyInToken, which Apple sends and does not document, is misconfigured', () => {
  expect(apnsOutcome({ status: 403, reason: 'BadEnvironmentKeyInToken' }, true, now).kind).toBe('misconfigured');
});

it('only three reasons end a subscription, BadDeviceToken only after another push was accepted', () => {
  const gone = (isProven: boolean): string[] =>
    table
      .filter(([status, reason]) => apnsOutcome({ status, reason }, isProven, now).kind === 'gone')
      .map(([, reason]) => reason);
  expect(gone(true)).toEqual(['BadDeviceToken', 'ExpiredToken', 'Unregistered']);
  expect(gone(false)).toEqual(['ExpiredToken', 'Unregistered']);
  expect(apnsOutcome({ status: 410 }, false, now).kind).toBe('gone');
});

it('two reasons that our options can cause are held until a push was accepted with the options', () => {
  const ambiguous = table.flatMap(([status, reason]) => {
    const [unproven, proven] = [false, true].map((isProven) => apnsOutcome({ status, reason }, isProven, now));
    return JSON.stringify(unproven) === JSON.stringify(proven) ? [] : [{ reason, unproven, proven }];
  });
  const unproven = {
    kind: 'misconfigured',
    reason: expect.stringMatching(/nothing has been accepted with these options yet\.$/) as string,
  };
  const reason = expect.any(String) as string;
  expect(ambiguous).toEqual([
    { reason: 'BadDeviceToken', unproven, proven: { kind: 'gone', reason } },
    { reason: 'DeviceTokenNotForTopic', unproven, proven: { kind: 'misconfigured', reason, isTargetOnly: true } },
  ]);
});

it.each([429, 500, 503])('Retry-After of a %i is obeyed', (status) => {
  expect(apnsOutcome({ status, retryAfter: '7' }, true, now)).toMatchObject({ kind: 'retry', afterMs: 7000 });
});

it.each([
  ['120', 120_000],
  ['Mon, 05 Jan 2026 12:00:30 GMT', 30_000],
  ['Mon, 05 Jan 2026 11:00:00 GMT', 0],
  ['99999999', 86_400_000],
  ['soon', undefined],
  ['', undefined],
])('Retry-After %j is %s ms', (retryAfter, afterMs) => {
  const outcome = apnsOutcome({ status: 503, retryAfter }, true, now);
  expect('afterMs' in outcome ? outcome.afterMs : undefined).toBe(afterMs);
});

it('does not repeat the text of an undocumented reason', () => {
  const reason = '<html>secret</html>';
  expect(apnsOutcome({ status: 400, reason }, true, now)).toEqual({ kind: 'rejected', reason: 'Apple answered 400.' });
});

it('returns the time since which Apple knows that a token is invalid, if the answer contains it', () => {
  const timestamp = now - 60_000;
  const outcome = apnsOutcome({ status: 410, reason: 'Unregistered', timestamp }, true, now);
  expect(outcome).toEqual({ kind: 'gone', reason: 'Apple answered 410 Unregistered.', since: timestamp });
  expect(apnsOutcome({ status: 410, reason: 'Unregistered' }, true, now)).not.toHaveProperty('since');
});
