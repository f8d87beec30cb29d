import type { NoAnswer } from '@pns/http-client';
import { type Outcome, type OutcomeKind, retryAfterMs } from '@pns/transport-contract';

/** The answer of WNS, or of a proxy before it, to a push. */
export interface WnsAnswer {
  readonly status: number;
  /** The text of the status line. */
  readonly statusText: string;
  /** The headers by lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

type Verdict = Extract<OutcomeKind, 'delivered' | 'retry' | 'gone' | 'rejected' | 'misconfigured'>;

/**
 * Every status that WNS documents, except 200, with its outcome. Source:
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-request-response-headers, "Response codes".
 */
export const documentedStatuses: Readonly<Record<number, Verdict>> = {
  // PNS sent a wrong or conflicting header, and would send it again.
  400: 'rejected',
  401: 'misconfigured',
  403: 'misconfigured',
  404: 'gone',
  405: 'rejected',
  406: 'retry',
  410: 'gone',
  413: 'rejected',
  500: 'retry',
  503: 'retry',
};

/**
 * The outcome of a push that WNS answered with 200, by X-WNS-Status (on older pages X-WNS-NotificationStatus) and
 * X-WNS-DeviceConnectionStatus. Source: as above, "Send notification response". A dropped push is not delivered, although the
 * status is 200. It is retried if the device is away, because the device may be back at the next attempt. It is not retried if
 * the device is connected, because then the user switched pushes off, or no app handles a raw push.
 */
const documentedDrops: Readonly<Record<string, Readonly<Record<string, Verdict>>>> = {
  received: { connected: 'delivered', disconnected: 'delivered', tempconnected: 'delivered', '': 'delivered' },
  dropped: { connected: 'rejected', disconnected: 'retry', tempconnected: 'retry', '': 'retry' },
  channelthrottled: { connected: 'retry', disconnected: 'retry', tempconnected: 'retry', '': 'retry' },
};

/** Statuses that WNS does not document and whose outcome differs from that of their class (RFC 9110, 8470, 6585). */
const otherStatuses: Readonly<Record<number, Verdict>> = {
  407: 'misconfigured',
  408: 'retry',
  421: 'retry',
  425: 'retry',
  429: 'retry',
};

/**
 * The outcome for an answer; `now` in ms since the epoch. A status that WNS does not document is judged by its class. If a channel
 * does not accept our token, the channel is at fault only if `isProven`: WNS has accepted a push with these options.
 */
export function wnsOutcome(answer: WnsAnswer, isProven: boolean, now: number): Outcome {
  const kind = verdictOn(answer);
  if (kind === 'delivered') {
    const providerId = plain(answer.headers['x-wns-msg-id']);
    return { kind, ...(providerId !== undefined && { providerId }) };
  }
  const reason = reasonOf(answer);
  const afterMs = kind === 'retry' ? retryAfterMs(answer.headers['retry-after'], now) : undefined;
  if (kind === 'retry') return { kind, reason, ...(afterMs !== undefined && { afterMs }) };
  // The channel belongs to another app. The credentials are not at fault, because WNS has accepted a push with them.
  if (answer.status === 403 && isProven) return { kind: 'misconfigured', reason, isTargetOnly: true };
  return { kind, reason };
}

function verdictOn(answer: WnsAnswer): Verdict {
  const { status } = answer;
  if (status === 200) return verdictOnAccepted(answer.headers);
  // WNS documents two meanings of 410. This one concerns our credentials, so the subscription must not be removed.
  if (status === 410 && isOurDomainBlocked(answer)) return 'misconfigured';
  return documentedStatuses[status] ?? otherStatuses[status] ?? verdictOnClass(status);
}

function verdictOnAccepted(headers: WnsAnswer['headers']): Verdict {
  const done = headers['x-wns-status'] ?? headers['x-wns-notificationstatus'] ?? 'received';
  const verdicts = known(documentedDrops, done.toLowerCase());
  if (verdicts === undefined) return 'delivered';
  return known(verdicts, (headers['x-wns-deviceconnectionstatus'] ?? '').toLowerCase()) ?? verdicts[''] ?? 'delivered';
}

/** The outcome for the class of a status. A 1xx, a 3xx or a number above 599 comes from a proxy, so the push is retried. */
function verdictOnClass(status: number): Verdict {
  if (status >= 200 && status < 300) return 'delivered';
  return status >= 400 && status < 500 ? 'rejected' : 'retry';
}

function isOurDomainBlocked({ statusText, headers }: WnsAnswer): boolean {
  return /domain.?blocked/i.test(`${statusText} ${headers['x-wns-error-description'] ?? ''}`);
}

/** The answer in words. It has the tracing headers, because Microsoft asks for them in every problem report. */
function reasonOf({ status, headers }: WnsAnswer): string {
  const named = [
    ['', 'x-wns-status'],
    ['device ', 'x-wns-deviceconnectionstatus'],
    ['', 'x-wns-error-description'],
    ['X-WNS-Msg-ID ', 'x-wns-msg-id'],
    ['X-WNS-Debug-Trace ', 'x-wns-debug-trace'],
  ] as const;
  const details = named.flatMap(([label, name]) => {
    const value = plain(headers[name]);
    return value === undefined ? [] : [`${label}${value}`];
  });
  return `WNS answered ${status}${details.length === 0 ? '' : ` (${details.join('; ')})`}.`;
}

/**
 * The most characters that are read of a header, because a regular expression overflows the stack on words of a million
 * characters. Node accepts no more for all headers together, so no header of a real answer is cut.
 */
const longestHeader = 16_384;

/** A header's value, shortened and without texts that may name a channel; undefined if nothing remains. */
function plain(value: string | undefined): string | undefined {
  const text = value
    ?.slice(0, longestHeader)
    .replace(/\S+/g, (word) => (/https?:|token=/i.test(word) ? '…' : word))
    .replace(/[^ -~…]/g, '')
    .trim()
    .slice(0, 200);
  return text === '' ? undefined : text;
}

function known<Value>(table: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/**
 * The error codes with which an OAuth 2.0 token endpoint refuses a token, and their outcomes. Sources: RFC 6749, 4.1.2.1 and 5.2;
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
export const documentedTokenErrors: Readonly<Record<string, 'retry' | 'misconfigured'>> = {
  invalid_request: 'misconfigured',
  invalid_client: 'misconfigured',
  invalid_grant: 'misconfigured',
  unauthorized_client: 'misconfigured',
  unsupported_grant_type: 'misconfigured',
  invalid_scope: 'misconfigured',
  invalid_resource: 'misconfigured',
  access_denied: 'misconfigured',
  server_error: 'retry',
  temporarily_unavailable: 'retry',
};

/**
 * The outcome for an answer of the token endpoint without a token. `error` is the code in its body. A success without a token, or a
 * redirect, means that the URL is not a token endpoint.
 */
export function tokenOutcome(status: number, error: unknown, retryAfter: string | undefined, now: number): NoAnswer {
  const code = typeof error === 'string' && /^\w{1,64}$/.test(error) ? error : undefined;
  const isTheirs = status >= 500 || status === 408 || status === 429;
  const kind = known(documentedTokenErrors, code ?? '') ?? (isTheirs ? 'retry' : 'misconfigured');
  const said = `${status}${code === undefined ? '' : ` (${code})`}`;
  if (kind === 'misconfigured') {
    const reason = `Microsoft issues no access token for sid and secret: the token endpoint answered ${said}.`;
    return { kind, reason };
  }
  const afterMs = retryAfterMs(retryAfter, now);
  const reason = `There is no access token: the token endpoint answered ${said}.`;
  return { kind, reason, ...(afterMs !== undefined && { afterMs }) };
}
