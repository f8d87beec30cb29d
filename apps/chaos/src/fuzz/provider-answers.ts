import type { Outcome } from '@pns/transport-contract';
import { maxRetryAfterMs } from '@pns/transport-contract';
import { apnsAnswer, apnsOutcome } from '@pns/transport-apns';
import { fcmOutcome } from '@pns/transport-fcm';
import { webhookOutcome } from '@pns/transport-webhook';
import { webpushVerdict } from '@pns/transport-webpush';
import { tokenOutcome, wnsOutcome } from '@pns/transport-wns';
import fc from 'fast-check';
import { broken, bytesOf, hostileJson, hostileText, nearlyValid } from './hostile-values';

/** An answer of a provider, or of another server that answers in its place. */
export interface ProviderAnswer {
  readonly provider: 'apns' | 'fcm' | 'wns' | 'wns-token' | 'webpush' | 'webhook';
  readonly status: number;
  readonly retryAfter?: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly isProven: boolean;
}

const waits = fc.oneof(
  hostileText,
  fc.constantFrom(
    '120',
    '0',
    '-1',
    '1.5',
    '1e9',
    '999999999999999999999',
    'Mon, 30 Nov 2026 10:00:00 GMT',
    'Mon, 99 Nov',
    'Monday, 30-Nov-26 10:00:00 GMT',
  ),
);

const bodies = fc.oneof(
  nearlyValid(
    fc.constantFrom<unknown>(
      { reason: 'BadDeviceToken', timestamp: 1_700_000_000_000 },
      {
        error: {
          code: 400,
          message: 'The registration token is not a valid FCM registration token',
          status: 'INVALID_ARGUMENT',
          details: [
            { '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: 'INVALID_ARGUMENT' },
            {
              '@type': 'type.googleapis.com/google.rpc.BadRequest',
              fieldViolations: [{ field: 'message.token', description: 'a' }],
            },
          ],
        },
      },
      { name: 'projects/a/messages/1' },
      { error: 'invalid_client', error_description: 'a' },
    ),
  ),
  hostileJson,
  hostileText,
);

const wnsHeaders = fc.dictionary(
  fc.constantFrom(
    'x-wns-status',
    'x-wns-notificationstatus',
    'x-wns-deviceconnectionstatus',
    'x-wns-error-description',
    'x-wns-msg-id',
    'x-wns-debug-trace',
  ),
  fc.oneof(hostileText, fc.constantFrom('received', 'dropped', 'channelthrottled', 'connected', 'disconnected')),
);

export const providerAnswers: fc.Arbitrary<ProviderAnswer> = fc.record(
  {
    provider: fc.constantFrom('apns', 'fcm', 'fcm', 'wns', 'wns-token', 'webpush', 'webhook'),
    status: fc.oneof(
      fc.constantFrom(200, 400, 401, 403, 404, 410, 413, 429, 500, 503),
      fc.integer({ min: 100, max: 999 }),
    ),
    retryAfter: waits,
    body: fc.oneof(bodies.map(bytesOf), broken(bodies.map(bytesOf))),
    headers: wnsHeaders,
    isProven: fc.boolean(),
  },
  { requiredKeys: ['provider', 'status', 'body', 'headers', 'isProven'] },
);

const now = Date.UTC(2026, 10, 29);

/** The outcome that the transport gives to the answer. */
function outcomeOf({ provider, status, retryAfter, body, headers, isProven }: ProviderAnswer): Pick<Outcome, 'kind'> {
  const text = Buffer.from(body, 'latin1').toString();
  const wait = retryAfter === undefined ? {} : { retryAfter };
  switch (provider) {
    case 'apns':
      return apnsOutcome(apnsAnswer({ status, body: text, ...wait }), isProven, now);
    case 'fcm':
      return fcmOutcome({ status, body: text, ...wait }, isProven, now);
    case 'wns':
      return wnsOutcome(
        { status, statusText: text, headers: { ...headers, 'retry-after': retryAfter } },
        isProven,
        now,
      );
    case 'wns-token':
      return tokenOutcome(status, fieldOf(text, 'error'), retryAfter, now);
    case 'webpush':
      return webpushVerdict({ status, statusText: text, headers, ...wait }, now).outcome;
    case 'webhook':
      return webhookOutcome(status, retryAfter, now);
  }
}

function fieldOf(json: string, name: string): unknown {
  try {
    return (JSON.parse(json) as Record<string, unknown> | null)?.[name];
  } catch {
    return undefined;
  }
}

/** Returns a sentence if the answer has no outcome that can be recorded. */
export function outcomeFault(answer: ProviderAnswer): string | undefined {
  const outcome = outcomeOf(answer);
  const { reason, afterMs, since, providerId } = outcome as Readonly<Record<string, unknown>>;
  const kinds = ['delivered', 'retry', 'gone', 'rejected', 'misconfigured'];
  if (!kinds.includes(outcome.kind)) return `The outcome is ${outcome.kind}.`;
  for (const text of [reason, providerId]) {
    if (text !== undefined && (typeof text !== 'string' || text.length > 1500))
      return 'A text of the outcome is not a text, or is too long.';
  }
  if (String(reason).includes('\0')) return 'Postgres cannot store the reason.';
  if (afterMs !== undefined && !(typeof afterMs === 'number' && afterMs >= 0 && afterMs <= maxRetryAfterMs))
    return `The wait is ${JSON.stringify(afterMs)} ms.`;
  if (since !== undefined && (typeof since !== 'number' || Number.isNaN(since)))
    return 'The target is gone since no time.';
  return undefined;
}
