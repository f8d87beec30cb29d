import { type Outcome, type OutcomeKind, retryAfterMs } from '@pns/transport-contract';

/** Apple's answer to one push. */
export interface ApnsAnswer {
  readonly status: number;
  /** Why Apple refused the push; absent after success, and if the answer broke off after its status. */
  readonly reason?: string;
  /** Of a 410: when Apple found that the device token is dead, in ms since the epoch. */
  readonly timestamp?: number;
  /** The value of the header `retry-after`. */
  readonly retryAfter?: string;
}

type Verdict = Exclude<OutcomeKind, 'expired' | 'suppressed' | 'moved'>;

/**
 * Every answer that Apple documents, with its outcome. Source: "Handling notification responses from APNs",
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
    // Either the token belongs to another app, or our topic is wrong.
    DeviceTokenNotForTopic: 'misconfigured',
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
    // Our token is never older than 45 minutes, so a clock is wrong. A retry can succeed after the clock was corrected.
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

/** Advice for the operator, by Apple's reason. */
const advice = new Map(
  Object.entries({
    BadTopic: 'check that topic is the bundle id of the app',
    TopicDisallowed: 'check that the credentials are for the topic in the options',
    BadDeviceToken: 'the device token is not valid, or is of the other environment of Apple; check production',
    DeviceTokenNotForTopic: 'the device token or the topic in the options belongs to another app',
    BadCertificateEnvironment: 'the certificate is for the other environment of Apple; check production',
    BadEnvironmentKeyIdInToken: 'the key is for the other environment of Apple; check production',
    ExpiredProviderToken: 'check the clock of this machine',
  }),
);

/** Answers for which either one device token or our options can be at fault. The answer does not show which. */
const ambiguous = new Set(['BadDeviceToken', 'DeviceTokenNotForTopic']);

/**
 * The outcome for Apple's answer; `now` in ms since the epoch. A reason that Apple does not document is judged by its status. A wrong
 * `production` or `topic` gets the same answers as a device token of another environment or app. So the token is at fault only if
 * `isProven`: Apple has accepted a push with these options.
 */
export function apnsOutcome(answer: ApnsAnswer, isProven: boolean, now: number): Outcome {
  const { status, reason = '', timestamp: since, retryAfter } = answer;
  const kind = documentedVerdict(status, reason) ?? kindOf(status);
  if (kind === 'delivered') return { kind };
  const words = advice.get(reason);
  const text = `${sentence(status, reason)}${words === undefined ? '.' : `: ${words}`}`;
  if (status === 400 && ambiguous.has(reason)) return ambiguousOutcome(kind, text, isProven);
  // Apple's rule: no more pushes must be sent until the device registers the token again, later than `since`.
  if (kind === 'gone') return { kind, reason: text, ...(since !== undefined && { since }) };
  const afterMs = kind === 'retry' ? retryAfterMs(retryAfter, now) : undefined;
  return kind === 'retry' && afterMs !== undefined ? { kind, reason: text, afterMs } : { kind, reason: text };
}

function ambiguousOutcome(kind: Exclude<Verdict, 'delivered'>, reason: string, isProven: boolean): Outcome {
  if (!isProven) {
    return { kind: 'misconfigured', reason: `${reason}; nothing has been accepted with these options yet.` };
  }
  return kind === 'misconfigured' ? { kind, reason, isTargetOnly: true } : { kind, reason };
}

/** The outcome in Apple's table; undefined if the answer is not in it. */
export function documentedVerdict(status: number, reason: string): Verdict | undefined {
  const reasons = documented[status];
  return reasons && Object.hasOwn(reasons, reason) ? reasons[reason] : undefined;
}

/**
 * The answer in words. It contains the reason only if the reason is a short word of letters, because a proxy may send any text.
 */
function sentence(status: number, reason: string): string {
  return `Apple answered ${status}${/^[A-Za-z]{1,64}$/.test(reason) ? ` ${reason}` : ''}`;
}

function kindOf(status: number): Verdict {
  if (status === 403) return 'misconfigured';
  if (status === 410) return 'gone';
  if (status >= 200 && status < 300) return 'delivered';
  return status >= 300 && status < 500 && status !== 408 && status !== 421 && status !== 429 ? 'rejected' : 'retry';
}
