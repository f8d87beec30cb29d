import { cutText } from '@pns/payloads';
import { type Outcome, retryAfterMs } from '@pns/transport-contract';

/** The parts of Google's answer to a message that decide its outcome. */
export interface FcmAnswer {
  readonly status: number;
  /** The value of the header `retry-after`. */
  readonly retryAfter?: string;
  readonly body: string;
}

type Verdict = 'gone' | 'retry' | 'rejected' | 'misconfigured';

/** The wait after a 429 without `retry-after`: Google asks for a minute ("Handle retries", see below). */
export const quotaWaitMs = 60_000;

/**
 * The outcomes for FCM's own error codes. Sources: https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode and
 * https://firebase.google.com/docs/cloud-messaging/scale-fcm ("Handle retries").
 */
const fcmErrors: Readonly<Record<string, Verdict>> = {
  // The message or the form of the token is wrong. The field that the answer names shows which of them.
  INVALID_ARGUMENT: 'rejected',
  UNREGISTERED: 'gone',
  // The token or our credentials belong to another project. The token is at fault only if `isProven` (see `fcmOutcome`).
  SENDER_ID_MISMATCH: 'misconfigured',
  QUOTA_EXCEEDED: 'retry',
  UNAVAILABLE: 'retry',
  INTERNAL: 'retry',
  // Firebase lacks Apple's key or a Web Push key. According to the page on ErrorCode this concerns iOS devices and Web Push
  // registrations. So only this target is affected, also if no message was accepted before: Android phones must get pushes.
  THIRD_PARTY_AUTH_ERROR: 'misconfigured',
};

/**
 * The outcomes for the canonical errors of Google's APIs, for answers without an error code of FCM. Source:
 * https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
 */
const canonicalErrors: Readonly<Record<string, Verdict>> = {
  CANCELLED: 'retry',
  UNKNOWN: 'retry',
  INVALID_ARGUMENT: 'rejected',
  DEADLINE_EXCEEDED: 'retry',
  // Without FCM's code UNREGISTERED, it was the project or the path that was not found. The device may exist.
  NOT_FOUND: 'misconfigured',
  ALREADY_EXISTS: 'retry',
  PERMISSION_DENIED: 'misconfigured',
  UNAUTHENTICATED: 'misconfigured',
  RESOURCE_EXHAUSTED: 'retry',
  // For example, the API of the project is not enabled.
  FAILED_PRECONDITION: 'misconfigured',
  ABORTED: 'retry',
  OUT_OF_RANGE: 'rejected',
  UNIMPLEMENTED: 'misconfigured',
  INTERNAL: 'retry',
  UNAVAILABLE: 'retry',
  DATA_LOSS: 'retry',
};

/** The statuses whose outcome differs from that of their class, for answers without a known error. */
const statuses: Readonly<Record<number, Verdict>> = {
  401: 'misconfigured',
  403: 'misconfigured',
  404: 'misconfigured',
  405: 'misconfigured',
  407: 'misconfigured',
  408: 'retry',
  409: 'retry',
  421: 'retry',
  425: 'retry',
  429: 'retry',
  499: 'retry',
};

interface GoogleError {
  readonly status?: string;
  readonly fcm?: string;
  readonly fields: readonly string[];
  readonly saysInvalidToken: boolean;
}

/**
 * The outcome for Google's answer: by FCM's own error code, else by the canonical error, else by the status. A token of another
 * project is at fault only if `isProven`: Google has accepted a message with these credentials. `now` is in ms since the epoch.
 * Reasons contain codes and names of fields, and never Google's sentences, because these quote the message.
 */
export function fcmOutcome({ status, retryAfter, body }: FcmAnswer, isProven: boolean, now: number): Outcome {
  const json = parsed(body);
  if (status >= 200 && status < 300) {
    const name = (json as { name?: unknown } | undefined)?.name;
    return { kind: 'delivered', ...(typeof name === 'string' && { providerId: cutText(name, 300) }) };
  }
  const error = googleError(json);
  const reason = reasonOf(status, error);
  if (isInvalidToken(error)) return { kind: 'gone', reason };
  const kind =
    known(fcmErrors, error.fcm) ?? known(canonicalErrors, error.status) ?? statuses[status] ?? kindOfClass(status);
  if (error.fcm === 'SENDER_ID_MISMATCH') return mismatch(reason, isProven);
  if (error.fcm === 'THIRD_PARTY_AUTH_ERROR') return { kind: 'misconfigured', reason, isTargetOnly: true };
  if (kind !== 'retry') return { kind, reason };
  const afterMs = retryAfterMs(retryAfter, now) ?? (status === 429 ? quotaWaitMs : undefined);
  return { kind, reason, ...(afterMs !== undefined && { afterMs }) };
}

/**
 * The outcome for a token of another project. It must not hold a client that is proven to work. The project of any other client
 * may be wrong.
 */
function mismatch(reason: string, isProven: boolean): Outcome {
  const said = reason.replace(/\.$/, '');
  return isProven
    ? { kind: 'misconfigured', reason: `${said}: the token belongs to another project.`, isTargetOnly: true }
    : {
        kind: 'misconfigured',
        reason: `${said}: the token or serviceAccount belongs to another project; Google has accepted nothing with serviceAccount yet.`,
      };
}

/** Whether Google refused our access token. The credentials for which it was issued may still be valid. */
export function isStaleAccessToken({ status, body }: FcmAnswer): boolean {
  return status === 401 && googleError(parsed(body)).fcm === undefined;
}

/** The outcome for the class of a status. A redirect is not followed, so the operator must configure the new URL. */
function kindOfClass(status: number): Verdict {
  if (status >= 400 && status < 500) return 'rejected';
  return status >= 300 && status < 400 ? 'misconfigured' : 'retry';
}

/** Whether the token is malformed. Depending on its fault, Google's answer names the field or contains a sentence. */
function isInvalidToken({ fcm, status, fields, saysInvalidToken }: GoogleError): boolean {
  const isInvalid = fcm === 'INVALID_ARGUMENT' || (fcm === undefined && status === 'INVALID_ARGUMENT');
  return isInvalid && (fields.includes('message.token') || saysInvalidToken);
}

function reasonOf(status: number, { fcm, status: canonical, fields }: GoogleError): string {
  const code = fcm ?? canonical;
  const named = fields.length === 0 ? '' : `, ${fields.join(', ')}`;
  return `FCM answered ${status}${code === undefined ? '' : ` (${code}${named})`}.`;
}

function googleError(json: unknown): GoogleError {
  const error = (json as { error?: Record<string, unknown> } | undefined)?.error;
  const details = (Array.isArray(error?.['details']) ? error['details'] : []) as (Record<string, unknown> | null)[];
  const status = codeIn(error?.['status']);
  const fcm = details
    .filter((detail) => textIn(detail?.['@type']).endsWith('google.firebase.fcm.v1.FcmError'))
    .map((detail) => codeIn(detail?.['errorCode']))
    .find((code) => code !== undefined && code !== 'UNSPECIFIED_ERROR');
  return {
    ...(status !== undefined && { status }),
    ...(fcm !== undefined && { fcm }),
    fields: details.flatMap(fieldsIn).slice(0, 5),
    saysInvalidToken: /not a valid FCM registration token/i.test(textIn(error?.['message'])),
  };
}

function fieldsIn(detail: Record<string, unknown> | null): string[] {
  const violations: unknown = detail?.['fieldViolations'];
  if (!Array.isArray(violations)) return [];
  return (violations as ({ field?: unknown } | null)[])
    .map((violation) => violation?.field)
    .filter((field): field is string => typeof field === 'string' && /^[\w.[\]]{1,100}$/.test(field));
}

/** A text as is, any other value as an empty text. `String` would throw for an object whose `toString` is not a function. */
function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function codeIn(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Z_]{1,50}$/.test(value) ? value : undefined;
}

function known(verdicts: Readonly<Record<string, Verdict>>, code: string | undefined): Verdict | undefined {
  return code !== undefined && Object.hasOwn(verdicts, code) ? verdicts[code] : undefined;
}

function parsed(body: string): unknown {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' ? (json ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}
