import fc from 'fast-check';
import { fcmOutcome, isStaleAccessToken, quotaWaitMs } from './fcm.outcome';

const now = Date.UTC(2026, 0, 5, 12, 0, 0);

const fcmDetail = (errorCode: string) => ({
  '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError',
  errorCode,
});
const violationOf = (field: string) => ({
  '@type': 'type.googleapis.com/google.rpc.BadRequest',
  fieldViolations: [{ field, description: 'a secret text' }],
});
const answer = (code: number, status: string, details: object[] = [], message = 'a secret text') => ({
  status: code,
  body: JSON.stringify({ error: { code, message, status, details } }),
});

/** FCM's eight error codes with the statuses that Google documents for them. */
const documented: [fcm: string, status: number, canonical: string, kind: string][] = [
  ['UNSPECIFIED_ERROR', 500, 'UNKNOWN', 'retry'],
  ['INVALID_ARGUMENT', 400, 'INVALID_ARGUMENT', 'rejected'],
  ['UNREGISTERED', 404, 'NOT_FOUND', 'gone'],
  ['SENDER_ID_MISMATCH', 403, 'PERMISSION_DENIED', 'misconfigured'],
  ['QUOTA_EXCEEDED', 429, 'RESOURCE_EXHAUSTED', 'retry'],
  ['UNAVAILABLE', 503, 'UNAVAILABLE', 'retry'],
  ['INTERNAL', 500, 'INTERNAL', 'retry'],
  ['THIRD_PARTY_AUTH_ERROR', 401, 'UNAUTHENTICATED', 'misconfigured'],
];

/** The canonical errors of Google's APIs, all but OK, with the statuses of code.proto. */
const canonical: [status: string, code: number, kind: string][] = [
  ['CANCELLED', 499, 'retry'],
  ['UNKNOWN', 500, 'retry'],
  ['INVALID_ARGUMENT', 400, 'rejected'],
  ['DEADLINE_EXCEEDED', 504, 'retry'],
  ['NOT_FOUND', 404, 'misconfigured'],
  ['ALREADY_EXISTS', 409, 'retry'],
  ['PERMISSION_DENIED', 403, 'misconfigured'],
  ['UNAUTHENTICATED', 401, 'misconfigured'],
  ['RESOURCE_EXHAUSTED', 429, 'retry'],
  ['FAILED_PRECONDITION', 400, 'misconfigured'],
  ['ABORTED', 409, 'retry'],
  ['OUT_OF_RANGE', 400, 'rejected'],
  ['UNIMPLEMENTED', 501, 'misconfigured'],
  ['INTERNAL', 500, 'retry'],
  ['UNAVAILABLE', 503, 'retry'],
  ['DATA_LOSS', 500, 'retry'],
];

it('has tests for every error that Google documents: eight of FCM, sixteen of all its APIs', () => {
  expect([documented.length, canonical.length]).toEqual([8, 16]);
});

it.each(documented)('the FCM error %s with the status %i %s has the outcome %s', (code, status, name, kind) => {
  expect(fcmOutcome(answer(status, name, [fcmDetail(code)]), true, now).kind).toBe(kind);
});

it.each(canonical)('%s with the status %i and no FCM error has the outcome %s', (name, status, kind) => {
  const outcome = fcmOutcome(answer(status, name), true, now);
  expect(outcome).toMatchObject({ kind, reason: `FCM answered ${status} (${name}).` });
});

it.each([
  [
    'the answer names its field',
    answer(400, 'INVALID_ARGUMENT', [fcmDetail('INVALID_ARGUMENT'), violationOf('message.token')]),
  ],
  [
    'the message of the answer says so',
    answer(
      400,
      'INVALID_ARGUMENT',
      [fcmDetail('INVALID_ARGUMENT')],
      'The registration token is not a valid FCM registration token',
    ),
  ],
])('a malformed token has the outcome gone if %s', (_, given) => {
  expect(fcmOutcome(given, true, now).kind).toBe('gone');
});

it.each(['message.data[0].value', 'message.android.ttl', 'message'])(
  'a message that is refused because of %s ends no subscription',
  (field) => {
    expect(fcmOutcome(answer(400, 'INVALID_ARGUMENT', [violationOf(field)]), true, now)).toEqual({
      kind: 'rejected',
      reason: `FCM answered 400 (INVALID_ARGUMENT, ${field}).`,
    });
  },
);

it.each([
  [400, 'rejected'],
  [401, 'misconfigured'],
  [403, 'misconfigured'],
  [404, 'misconfigured'],
  [405, 'misconfigured'],
  [407, 'misconfigured'],
  [408, 'retry'],
  [410, 'rejected'],
  [413, 'rejected'],
  [421, 'retry'],
  [425, 'retry'],
  [429, 'retry'],
  [301, 'misconfigured'],
  [307, 'misconfigured'],
  [500, 'retry'],
  [502, 'retry'],
  [503, 'retry'],
  [504, 'retry'],
  [0, 'retry'],
])('an answer with %i that is not from FCM has the outcome %s', (status, kind) => {
  const page = fcmOutcome({ status, body: '<!DOCTYPE html><title>UNREGISTERED</title>' }, true, now);
  expect(page).toMatchObject({ kind, reason: `FCM answered ${status}.` });
  const unknown = fcmOutcome(answer(status, 'NEWLY_INVENTED', [fcmDetail('ALSO_NEW')]), true, now);
  expect(unknown).toMatchObject({ kind, reason: `FCM answered ${status} (ALSO_NEW).` });
});

it('a token of another project holds its client until a push was accepted, and then affects only its own subscription', () => {
  const mismatch = answer(403, 'PERMISSION_DENIED', [fcmDetail('SENDER_ID_MISMATCH')]);
  expect(fcmOutcome(mismatch, true, now)).toEqual({
    kind: 'misconfigured',
    reason: 'FCM answered 403 (SENDER_ID_MISMATCH): the token belongs to another project.',
    isTargetOnly: true,
  });
  expect(fcmOutcome(mismatch, false, now)).toEqual({
    kind: 'misconfigured',
    reason:
      'FCM answered 403 (SENDER_ID_MISMATCH): the token or serviceAccount belongs to another project; Google has accepted nothing with serviceAccount yet.',
  });
});

it('a missing APNs or Web Push key in Firebase affects no Android phone of the client', () => {
  const lacking = answer(401, 'UNAUTHENTICATED', [fcmDetail('THIRD_PARTY_AUTH_ERROR')]);
  for (const isProven of [true, false]) {
    expect(fcmOutcome(lacking, isProven, now)).toEqual({
      kind: 'misconfigured',
      reason: 'FCM answered 401 (THIRD_PARTY_AUTH_ERROR).',
      isTargetOnly: true,
    });
  }
});

it('no other error affects only one subscription', () => {
  const others = documented.filter(([code]) => !['SENDER_ID_MISMATCH', 'THIRD_PARTY_AUTH_ERROR'].includes(code));
  const given = [
    ...others.map(([code, status, name]) => answer(status, name, [fcmDetail(code)])),
    ...canonical.map(([name, status]) => answer(status, name)),
  ];
  for (const one of given) expect(fcmOutcome(one, true, now)).not.toHaveProperty('isTargetOnly');
});

it('no other outcome depends on whether a push was accepted before', () => {
  for (const [code, status, name] of documented) {
    if (code === 'SENDER_ID_MISMATCH') continue;
    const given = answer(status, name, [fcmDetail(code)]);
    expect(fcmOutcome(given, false, now)).toEqual(fcmOutcome(given, true, now));
  }
});

it('only the documented errors of FCM end a subscription', () => {
  const details = fc.array(
    fc.oneof(fc.jsonValue(), fc.constant(fcmDetail('INTERNAL')), fc.constant(violationOf('message.token'))),
  );
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record({ error: fc.oneof(fc.jsonValue(), fc.record({ status: fc.string(), details })) })
      .map((json) => JSON.stringify(json)),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 599 }), body, (status, text) => {
      const { kind } = fcmOutcome({ status, body: text }, true, now);
      expect(kind).not.toBe('gone');
      expect(kind === 'delivered').toBe(status >= 200 && status < 300);
    }),
  );
});

it.each([
  { error: { message: { toString: 1 } } },
  { error: { message: [{ toString: null }], status: 'INVALID_ARGUMENT' } },
  { error: { details: [{ '@type': { toString: 1 } }] } },
])('an error with an object in place of a text has the outcome of its status: %j', (json) => {
  const outcome = fcmOutcome({ status: 400, body: JSON.stringify(json) }, true, now);
  expect(outcome).toMatchObject({ kind: 'rejected' });
});

it('an accepted message has the id that FCM returned', () => {
  const body = '{"name":"projects/p/messages/0:1500415314455276%31bd1c96f9fd7ecd"}';
  expect(fcmOutcome({ status: 200, body }, true, now)).toEqual({
    kind: 'delivered',
    providerId: 'projects/p/messages/0:1500415314455276%31bd1c96f9fd7ecd',
  });
  expect(fcmOutcome({ status: 200, body: '' }, true, now)).toEqual({ kind: 'delivered' });
});

it('the reason does not contain the text of the error, which quotes the message', () => {
  const outcome = fcmOutcome(
    answer(400, 'a secret text', [violationOf('a secret text'), fcmDetail('a secret text')]),
    true,
    now,
  );
  expect(JSON.stringify(outcome)).not.toContain('secret');
});

describe('the time until the retry', () => {
  it.each([429, 503, 500])('Retry-After of a %i is obeyed', (status) => {
    expect(fcmOutcome({ status, body: '', retryAfter: '7' }, true, now)).toMatchObject({
      kind: 'retry',
      afterMs: 7000,
    });
  });

  it('is a minute after 429 without Retry-After, and the usual back-off after other errors', () => {
    expect(fcmOutcome({ status: 429, body: '' }, true, now)).toMatchObject({ afterMs: quotaWaitMs });
    expect(fcmOutcome({ status: 503, body: '' }, true, now)).not.toHaveProperty('afterMs');
    expect(fcmOutcome({ status: 404, body: '', retryAfter: '7' }, true, now)).not.toHaveProperty('afterMs');
  });
});

it.each([
  ['an expired access token', answer(401, 'UNAUTHENTICATED'), true],
  ['a 401 of a proxy', { status: 401, body: '' }, true],
  ['a missing APNs key in Firebase', answer(401, 'UNAUTHENTICATED', [fcmDetail('THIRD_PARTY_AUTH_ERROR')]), false],
  ['another project', answer(403, 'PERMISSION_DENIED'), false],
])('%s requires a new access token: %s', (_, given, expected) => {
  expect(isStaleAccessToken(given)).toBe(expected);
});
