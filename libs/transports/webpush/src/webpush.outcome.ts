import type { AttemptVerdict } from '@pns/http-client';
import { type Outcome, type OutcomeKind, retryAfterMs } from '@pns/transport-contract';

type Verdict = Extract<OutcomeKind, 'delivered' | 'retry' | 'gone' | 'rejected' | 'misconfigured'>;

/**
 * The statuses whose outcome differs from that of their class. Sources:
 * - RFC 8030, 5, 7.1 and 8.4: 404 and 410 for an expired subscription, 413, 429 with `Retry-After`;
 * - RFC 8292, 4.2: 401 and 403 for a key that does not belong to the subscription;
 * - Mozilla: https://mozilla-services.github.io/autopush-rs/errors.html
 * - Google: https://web.dev/articles/push-notifications-web-push-protocol
 * - Apple: https://developer.apple.com/documentation/usernotifications/sending-web-push-notifications-in-web-apps-and-browsers
 * - Microsoft: https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-request-response-headers
 */
const special: Readonly<Record<number, Verdict>> = {
  // Google answers 400 also for a wrong key.
  400: 'misconfigured',
  401: 'misconfigured',
  403: 'misconfigured',
  407: 'misconfigured',
  404: 'gone',
  410: 'gone',
  406: 'retry', // Microsoft throttles with this status
  // RFC 9110, 8470 and 6585: the same request may be accepted later, or over another connection.
  408: 'retry',
  421: 'retry',
  425: 'retry',
  429: 'retry',
};

/** With these statuses, `Retry-After` is for all messages to the push service. */
const pausing: ReadonlySet<number> = new Set([406, 429, 503]);

/** The answer of a push service. */
export interface PushAnswer {
  readonly status: number;
  /** The value of the header `retry-after`. */
  readonly retryAfter?: string;
  /** The text of the status line. */
  readonly statusText?: string;
  /** The headers by lower-case name. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/**
 * The outcome for the answer of a push service; `now` in ms since the epoch. Users choose the endpoints, so no answer concerns more
 * than this subscription or this push service.
 */
export function webpushVerdict(answer: PushAnswer, now: number): AttemptVerdict {
  const { status, retryAfter } = answer;
  const kind = ofMicrosoft(answer) ?? special[status] ?? kindOfClass(status);
  // 406: Microsoft throttles a sender for hours and may send no `Retry-After`, so these answers must open the circuit.
  const isEndpointFailure = status >= 500 || status === 406;
  if (kind === 'delivered') return { outcome: { kind }, isEndpointFailure };
  const outcome = outcomeOf(kind, status, retryAfterMs(retryAfter, now));
  const pauseMs = outcome.kind === 'retry' && pausing.has(status) ? outcome.afterMs : undefined;
  return { outcome, isEndpointFailure, ...(pauseMs !== undefined && { pauseMs }) };
}

/**
 * The outcome of answers with another meaning at Microsoft; undefined for other answers. A 410 may mean that Microsoft blocks the
 * sender, so the subscription must stay. After a success, X-WNS-Status may report that the message was not passed on.
 */
function ofMicrosoft({ status, statusText = '', headers = {} }: PushAnswer): Verdict | undefined {
  const isBlocked = /domain.?blocked/i.test(`${statusText} ${String(headers['x-wns-error-description'] ?? '')}`);
  if (status === 410 && isBlocked) return 'misconfigured';
  const isDropped = notPassedOn.has(String(headers['x-wns-status']).toLowerCase());
  return status >= 200 && status < 300 && isDropped ? 'retry' : undefined;
}

const notPassedOn: ReadonlySet<string> = new Set(['dropped', 'channelthrottled']);

function outcomeOf(kind: Exclude<Verdict, 'delivered'>, status: number, afterMs: number | undefined): Outcome {
  const reason = `The push service answered ${status}${meaningOf(kind, status)}.`;
  if (kind === 'retry') return { kind, reason, ...(afterMs !== undefined && { afterMs }) };
  return kind === 'misconfigured' ? { kind, reason, isTargetOnly: true } : { kind, reason };
}

const refusal = ': it does not accept the VAPID key or subject for this subscription';

const meanings: Readonly<Record<number, string>> = {
  400: ': it does not accept the request, perhaps because of the VAPID key or subject',
  401: refusal,
  403: refusal,
  413: ': the message is too large for it',
};

function meaningOf(kind: Verdict, status: number): string {
  if (status === 410 && kind === 'misconfigured') return ': it blocks this sender';
  if (status >= 200 && status < 300) return ' and dropped the message';
  return meanings[status] ?? '';
}

/** The outcome for the class of a status. After a final 1xx or a number above 599 we retry. Redirects are not followed. */
function kindOfClass(status: number): Verdict {
  if (status >= 200 && status < 300) return 'delivered';
  return status < 200 || status >= 500 ? 'retry' : 'rejected';
}
