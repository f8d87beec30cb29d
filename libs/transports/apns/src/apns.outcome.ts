import type { Outcome, OutcomeKind } from '@pns/transport-contract';

/** Apple's answer to one push. */
export interface ApnsAnswer {
  readonly status: number;
  /** Why not; absent with success, and where the answer broke off after its status. */
  readonly reason?: string;
  /** The header of that name. */
  readonly retryAfter?: string;
}

type Verdict = Exclude<OutcomeKind, 'expired' | 'moved'>;

/**
 * Every answer that Apple documents, and what follows from it. Source: "Handling notification responses from APNs",
 * https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns
 */
export const documented: Readonly<Record<number, Readonly<Record<string, Verdict>>>> = {
  200: { '': 'delivered' },
  400: {
    BadCollapseId: 'rejected',
    BadDeviceToken: 'gone',
    BadExpirationDate: 'rejected',
    BadMessageId: 'rejected',
    BadPriority: 'rejected',
    BadTopic: 'misconfigured',
    // Either the token is another app's, or our topic is: which of them, nobody can tell.
    DeviceTokenNotForTopic: 'rejected',
    DuplicateHeaders: 'rejected',
    IdleTimeout: 'retry',
    InvalidPushType: 'rejected',
    MissingDeviceToken: 'rejected',
    MissingTopic: 'misconfigured',
    PayloadEmpty: 'rejected',
    TopicDisallowed: 'misconfigured',
  },
  403: {
    BadCertificate: 'misconfigured',
    BadCertificateEnvironment: 'misconfigured',
    // Ours is never older than 45 minutes, so a clock is wrong, and clocks are put right.
    ExpiredProviderToken: 'retry',
    Forbidden: 'misconfigured',
    InvalidProviderToken: 'misconfigured',
    MissingProviderToken: 'misconfigured',
    UnrelatedKeyIdInToken: 'misconfigured',
    BadEnvironmentKeyIdInToken: 'misconfigured',
  },
  404: { BadPath: 'rejected' },
  405: { MethodNotAllowed: 'rejected' },
  410: { ExpiredToken: 'gone', Unregistered: 'gone' },
  413: { PayloadTooLarge: 'rejected' },
  429: { TooManyProviderTokenUpdates: 'retry', TooManyRequests: 'retry' },
  500: { InternalServerError: 'retry' },
  503: { ServiceUnavailable: 'retry', Shutdown: 'retry' },
};

/** More words for what a person has to do something about. */
const advice = new Map(
  Object.entries({
    BadTopic: 'is the topic in the options the bundle id of the app?',
    TopicDisallowed: 'is the topic in the options one that these credentials are for?',
    DeviceTokenNotForTopic: 'the device token belongs to another app, or the topic in the options does',
    BadCertificateEnvironment: 'the certificate is for the other side of Apple; does production fit it?',
    BadEnvironmentKeyIdInToken: 'the key is for the other side of Apple; does production fit it?',
    ExpiredProviderToken: 'is the clock of this machine right?',
  }),
);

/**
 * The verdict behind Apple's answer; `now` in ms since the epoch. A reason that Apple does not document is judged by its
 * status. A token of the wrong environment is a BadDeviceToken too, so that only retires a subscription once `isProven`:
 * something was accepted with these very options.
 */
export function apnsOutcome(answer: ApnsAnswer, isProven: boolean, now: number): Outcome {
  const { status, reason = '', retryAfter } = answer;
  const kind = documentedVerdict(status, reason) ?? kindOf(status);
  if (kind === 'delivered') return { kind };
  if (kind === 'gone' && reason === 'BadDeviceToken' && !isProven) {
    return {
      kind: 'rejected',
      reason: `${sentence(status, reason)}: a device token of the other side of Apple (does production fit?), or of no side at all; nothing has been accepted with these options yet.`,
    };
  }
  const words = advice.get(reason);
  const text = `${sentence(status, reason)}${words === undefined ? '.' : `: ${words}`}`;
  const afterMs = kind === 'retry' ? retryAfterMs(retryAfter, now) : undefined;
  return kind === 'retry' && afterMs !== undefined ? { kind, reason: text, afterMs } : { kind, reason: text };
}

/** What Apple's table says of an answer; undefined where that is not in it. */
export function documentedVerdict(status: number, reason: string): Verdict | undefined {
  const reasons = documented[status];
  return reasons && Object.hasOwn(reasons, reason) ? reasons[reason] : undefined;
}

/** Only words of one kind are passed on: what Apple writes is short, and what somebody between us writes is not. */
function sentence(status: number, reason: string): string {
  return `Apple answered ${status}${/^[A-Za-z]{1,64}$/.test(reason) ? ` ${reason}` : ''}`;
}

function kindOf(status: number): Verdict {
  if (status === 403) return 'misconfigured';
  if (status === 410) return 'gone';
  if (status >= 200 && status < 300) return 'delivered';
  return status >= 300 && status < 500 && status !== 408 && status !== 421 && status !== 429 ? 'rejected' : 'retry';
}

/** The longest wait that is obeyed, in ms: beyond a day it would be a way to lose pushes. */
const maxRetryAfterMs = 86_400_000;

/** Apple documents no Retry-After, and HTTP allows one: seconds or a date (RFC 9110, 10.2.3). */
function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const waitMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), maxRetryAfterMs);
}
