import { type Outcome, type OutcomeKind, retryAfterMs } from '@pns/transport-contract';

/** Apple's answer to one push. */
export interface ApnsAnswer {
  readonly status: number;
  /** Why not; absent with success, and where the answer broke off after its status. */
  readonly reason?: string;
  /** Of a 410: when Apple found that the device token is dead, in ms since the epoch. */
  readonly timestamp?: number;
  /** The header of that name. */
  readonly retryAfter?: string;
}

type Verdict = Exclude<OutcomeKind, 'expired' | 'suppressed' | 'moved'>;

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
    // Either the token is another app's, or our topic is.
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
    BadDeviceToken: 'a device token of the other side of Apple (does production fit?), or of no side at all',
    DeviceTokenNotForTopic: 'the device token belongs to another app, or the topic in the options does',
    BadCertificateEnvironment: 'the certificate is for the other side of Apple; does production fit it?',
    BadEnvironmentKeyIdInToken: 'the key is for the other side of Apple; does production fit it?',
    ExpiredProviderToken: 'is the clock of this machine right?',
  }),
);

/** What may speak against one device token or against our options: which of them, nobody can tell from the answer. */
const ambiguous = new Set(['BadDeviceToken', 'DeviceTokenNotForTopic']);

/**
 * The verdict behind Apple's answer; `now` in ms since the epoch. A reason that Apple does not document is judged by its
 * status. What a device token of the wrong environment or app is answered, a wrong `production` or `topic` is answered for all
 * of them: it is only the token's fault once `isProven`, something was accepted with these very options.
 */
export function apnsOutcome(answer: ApnsAnswer, isProven: boolean, now: number): Outcome {
  const { status, reason = '', timestamp: since, retryAfter } = answer;
  const kind = documentedVerdict(status, reason) ?? kindOf(status);
  if (kind === 'delivered') return { kind };
  const words = advice.get(reason);
  const text = `${sentence(status, reason)}${words === undefined ? '.' : `: ${words}`}`;
  if (status === 400 && ambiguous.has(reason)) return ambiguousOutcome(kind, text, isProven);
  // Apple: no more pushes until the device registers the token at a later time.
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
