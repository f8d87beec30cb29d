import type { OutcomeKind } from '@pns/transport-contract';
import { webpushVerdict } from './webpush.outcome';

const now = Date.UTC(2026, 10, 29, 12);

/** A page that documents statuses of a push service. */
interface Documented {
  readonly service: string;
  readonly source: string;
  readonly outcomes: Readonly<Record<number, OutcomeKind>>;
}

/** Every status that a push service documents, with its outcome. */
const documented: readonly Documented[] = [
  {
    service: 'RFC 8030',
    source: 'https://www.rfc-editor.org/rfc/rfc8030',
    outcomes: {
      ...{ 201: 'delivered', 202: 'delivered', 400: 'misconfigured' },
      ...{ 404: 'gone', 410: 'gone', 413: 'rejected', 429: 'retry' },
    },
  },
  {
    service: 'RFC 8292',
    source: 'https://www.rfc-editor.org/rfc/rfc8292#section-4.2',
    outcomes: { 401: 'misconfigured', 403: 'misconfigured' },
  },
  {
    service: 'Mozilla',
    source: 'https://mozilla-services.github.io/autopush-rs/errors.html',
    outcomes: {
      ...{ 200: 'delivered', 201: 'delivered', 202: 'delivered', 301: 'rejected', 400: 'misconfigured' },
      ...{ 401: 'misconfigured', 404: 'gone', 410: 'gone', 413: 'rejected', 429: 'retry' },
      ...{ 500: 'retry', 502: 'retry', 503: 'retry' },
    },
  },
  {
    service: 'Google',
    source: 'https://web.dev/articles/push-notifications-web-push-protocol',
    outcomes: {
      ...{ 201: 'delivered', 400: 'misconfigured', 404: 'gone', 410: 'gone', 413: 'rejected', 429: 'retry' },
    },
  },
  {
    // Statuses that the page above does not mention. Google answers 403 to a wrong VAPID key.
    service: 'Google (FCM)',
    source: 'https://firebase.google.com/docs/cloud-messaging/error-codes',
    outcomes: {
      ...{ 400: 'misconfigured', 401: 'misconfigured', 403: 'misconfigured', 404: 'gone', 429: 'retry', 500: 'retry' },
      503: 'retry',
    },
  },
  {
    service: 'Apple',
    source:
      'https://developer.apple.com/documentation/usernotifications/sending-web-push-notifications-in-web-apps-and-browsers',
    outcomes: {
      ...{ 201: 'delivered', 400: 'misconfigured', 403: 'misconfigured', 404: 'gone', 405: 'rejected', 410: 'gone' },
      ...{ 413: 'rejected', 429: 'retry', 500: 'retry', 503: 'retry' },
    },
  },
  {
    service: 'Microsoft',
    source:
      'https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-request-response-headers',
    outcomes: {
      ...{ 200: 'delivered', 201: 'delivered', 400: 'misconfigured', 401: 'misconfigured', 403: 'misconfigured' },
      ...{ 404: 'gone', 405: 'rejected', 406: 'retry', 410: 'gone', 413: 'rejected', 500: 'retry', 503: 'retry' },
    },
  },
];

describe.each(documented)('a push service as described by $service, $source', ({ outcomes }) => {
  it.each(Object.entries(outcomes))('answers %s, and the outcome is %s', (status, kind) => {
    const { outcome } = webpushVerdict({ status: Number(status) }, now);
    expect(outcome.kind).toBe(kind);
    if (outcome.kind !== 'delivered')
      expect(outcome).toMatchObject({ reason: expect.stringContaining(status) as string });
  });
});

it('only 404 and 410 end a subscription', () => {
  const gone = Array.from({ length: 500 }, (_, at) => at + 100).filter(
    (status) => webpushVerdict({ status }, now).outcome.kind === 'gone',
  );
  expect(gone).toEqual([404, 410]);
});

it.each([
  ['the text of its status line', { statusText: 'Domain Blocked' }],
  ['a header', { statusText: 'Gone', headers: { 'x-wns-error-description': 'Domain Blocked' } }],
])('a sender that Microsoft blocks, as %s says, costs no subscription', (_, answer) => {
  const reason = 'The push service answered 410: it blocks this sender.';
  const outcome = { kind: 'misconfigured', reason, isTargetOnly: true };
  expect(webpushVerdict({ status: 410, ...answer }, now).outcome).toEqual(outcome);
  expect(webpushVerdict({ status: 410, statusText: 'Gone', headers: {} }, now).outcome.kind).toBe('gone');
});

it.each([
  ['received', 'delivered'],
  ['dropped', 'retry'],
  ['ChannelThrottled', 'retry'],
  ['constructor', 'delivered'],
] as const)('a success of Microsoft with X-WNS-Status: %s is %s', (said, kind) => {
  const answer = { status: 201, headers: { 'x-wns-status': said }, retryAfter: '9' };
  const { outcome, isEndpointFailure } = webpushVerdict(answer, now);
  expect([outcome.kind, isEndpointFailure]).toEqual([kind, false]);
  const reason = 'The push service answered 201 and dropped the message.';
  if (kind === 'retry') expect(outcome).toEqual({ kind, reason, afterMs: 9000 });
});

it('no answer of one endpoint holds the other deliveries of the client', () => {
  for (let status = 100; status < 700; status++) {
    const { outcome } = webpushVerdict({ status }, now);
    if (outcome.kind === 'misconfigured') expect(outcome.isTargetOnly).toBe(true);
  }
});

it.each([406, 429, 503])('Retry-After of a %s is obeyed for the whole push service', (status) => {
  expect(webpushVerdict({ status, retryAfter: '120' }, now)).toMatchObject({
    outcome: { afterMs: 120_000 },
    pauseMs: 120_000,
  });
  const date = new Date(now + 5000).toUTCString();
  expect(webpushVerdict({ status, retryAfter: date }, now)).toMatchObject({
    outcome: { afterMs: 5000 },
    pauseMs: 5000,
  });
  expect(webpushVerdict({ status }, now)).not.toHaveProperty('pauseMs');
});

it('Retry-After of another status is obeyed for the delivery only', () => {
  const { outcome, pauseMs } = webpushVerdict({ status: 500, retryAfter: '120' }, now);
  expect([outcome, pauseMs]).toEqual([expect.objectContaining({ afterMs: 120_000 }), undefined]);
  expect(webpushVerdict({ status: 404, retryAfter: '120' }, now)).not.toHaveProperty('pauseMs');
});

it('failures of the push service open its circuit, refusals do not', () => {
  const failures = [400, 401, 403, 404, 406, 410, 413, 429, 500, 502, 503].filter(
    (status) => webpushVerdict({ status }, now).isEndpointFailure,
  );
  expect(failures).toEqual([406, 500, 502, 503]);
});
