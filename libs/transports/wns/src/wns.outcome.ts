import type { NoAnswer } from '@pns/http-client';
import { type Outcome, type OutcomeKind, retryAfterMs } from '@pns/transport-contract';

/** What WNS, or somebody between us and it, answered to a push. */
export interface WnsAnswer {
  readonly status: number;
  /** The words behind the status. */
  readonly statusText: string;
  /** The headers by lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

type Verdict = Extract<OutcomeKind, 'delivered' | 'retry' | 'gone' | 'rejected' | 'misconfigured'>;

/**
 * Every status that WNS documents, except 200, and what follows from it. Source:
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-request-response-headers,
 * "Response codes".
 */
export const documentedStatuses: Readonly<Record<number, Verdict>> = {
  // A header that is wrong or conflicts with another one is ours, and will be the same next time.
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
 * What WNS did with a push that it answered 200 to: the header X-WNS-Status, which older pages call
 * X-WNS-NotificationStatus, and, for a dropped one, X-WNS-DeviceConnectionStatus. Source: as above, "Send notification response".
 * A drop is no delivery, whatever the 200 says. While the device is away it may be back for the next try; a device that is
 * there does not want the push (switched off by the user, or a raw one without an app to take it), and is not asked again.
 */
export const documentedDrops: Readonly<Record<string, Readonly<Record<string, Verdict>>>> = {
  received: { connected: 'delivered', disconnected: 'delivered', tempconnected: 'delivered', '': 'delivered' },
  dropped: { connected: 'rejected', disconnected: 'retry', tempconnected: 'retry', '': 'retry' },
  channelthrottled: { connected: 'retry', disconnected: 'retry', tempconnected: 'retry', '': 'retry' },
};

/** Statuses that no page of WNS names and that do not mean the same as the rest of their class (RFC 9110, 8470, 6585). */
const otherStatuses: Readonly<Record<number, Verdict>> = {
  407: 'misconfigured',
  408: 'retry',
  421: 'retry',
  425: 'retry',
  429: 'retry',
};

/**
 * The verdict behind an answer; `now` in ms since the epoch. A status that WNS does not document is judged by its class. That
 * a channel does not take our token is its own trouble once `isProven`: something was accepted with these options.
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
  // The channel is another app's, or the credentials are.
  if (answer.status === 403 && isProven) return { kind: 'misconfigured', reason, isTargetOnly: true };
  return { kind, reason };
}

function verdictOn(answer: WnsAnswer): Verdict {
  const { status } = answer;
  if (status === 200) return verdictOnAccepted(answer.headers);
  // WNS documents two meanings of 410. The other one is about us, and must not cost anybody's channel.
  if (status === 410 && isOurDomainBlocked(answer)) return 'misconfigured';
  return documentedStatuses[status] ?? otherStatuses[status] ?? verdictOnClass(status);
}

function verdictOnAccepted(headers: WnsAnswer['headers']): Verdict {
  const done = headers['x-wns-status'] ?? headers['x-wns-notificationstatus'] ?? 'received';
  const verdicts = known(documentedDrops, done.toLowerCase());
  if (verdicts === undefined) return 'delivered';
  return known(verdicts, (headers['x-wns-deviceconnectionstatus'] ?? '').toLowerCase()) ?? verdicts[''] ?? 'delivered';
}

/** WNS never redirects, so a 3xx comes from something between us, perhaps for a while, as do 1xx and numbers beyond 599. */
function verdictOnClass(status: number): Verdict {
  if (status >= 200 && status < 300) return 'delivered';
  return status >= 400 && status < 500 ? 'rejected' : 'retry';
}

function isOurDomainBlocked({ statusText, headers }: WnsAnswer): boolean {
  return /domain.?blocked/i.test(`${statusText} ${headers['x-wns-error-description'] ?? ''}`);
}

/** Microsoft asks for the headers that are for tracing with every report of a problem. */
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

/** In characters; a look at words of millions ends with a stack that is full. Node takes no more of all headers together. */
const longestHeader = 16_384;

/** A header's value in short, without anything that names a channel; undefined when nothing is left. */
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
 * The error codes of OAuth 2.0 with which a token endpoint refuses credentials. Sources: RFC 6749, 4.1.2.1 and 5.2;
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
 * What it means for a delivery that the token endpoint answered this and no token. `error` is the code in its body. A
 * success without a token, or a redirect, comes from something that is no token endpoint.
 */
export function tokenOutcome(status: number, error: unknown, retryAfter: string | undefined, now: number): NoAnswer {
  const code = typeof error === 'string' && /^\w{1,64}$/.test(error) ? error : undefined;
  const isTheirs = status >= 500 || status === 408 || status === 429;
  const kind = known(documentedTokenErrors, code ?? '') ?? (isTheirs ? 'retry' : 'misconfigured');
  const said = `${status}${code === undefined ? '' : ` (${code})`}`;
  if (kind === 'misconfigured') {
    const reason = `Microsoft gives no access token for sid and secret: the token endpoint answered ${said}.`;
    return { kind, reason };
  }
  const afterMs = retryAfterMs(retryAfter, now);
  const reason = `There is no access token: the token endpoint answered ${said}.`;
  return { kind, reason, ...(afterMs !== undefined && { afterMs }) };
}
