/** An answer of one of Google's services. */
export interface GoogleAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or the text of a page. */
  readonly body: object | string;
}

/** The fault of one field of a request. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** An error in the shape of Google's APIs. Source: https://cloud.google.com/apis/design/errors#http_mapping */
function googleError(code: number, status: string, message: string, ...details: object[]): GoogleAnswer {
  return { status: code, body: { error: { code, message, status, ...(details.length > 0 && { details }) } } };
}

/** The error for a request that is not a message of the API. The error names the fields and has no error code of FCM. */
export function malformed(violations: readonly Violation[]): GoogleAnswer {
  const message = violations.map(({ description }) => description).join('\n');
  return googleError(400, 'INVALID_ARGUMENT', message, badRequest(violations));
}

/** The error for a message that FCM's API refuses. */
export function invalidArgument(message: string, violations: readonly Violation[] = []): GoogleAnswer {
  const details = violations.length === 0 ? [] : [badRequest(violations)];
  return googleError(400, 'INVALID_ARGUMENT', message, fcmDetail('INVALID_ARGUMENT'), ...details);
}

export function unauthenticated(reason: string): GoogleAnswer {
  const message = 'Request had invalid authentication credentials. Expected OAuth 2 access token.';
  const answer = googleError(401, 'UNAUTHENTICATED', message, errorInfo(reason));
  return { ...answer, headers: { 'www-authenticate': 'Bearer realm="https://accounts.google.com/"' } };
}

export function permissionDenied(message: string, reason: string): GoogleAnswer {
  return googleError(403, 'PERMISSION_DENIED', message, errorInfo(reason));
}

/**
 * The errors that a fault can demand, by FCM's own codes and two codes of Google. Sources:
 * https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode and https://firebase.google.com/docs/cloud-messaging/error-codes
 */
export const errorsOnDemand = {
  INVALID_ARGUMENT: invalidArgument('Request contains an invalid argument.'),
  UNREGISTERED: googleError(404, 'NOT_FOUND', 'Requested entity was not found.', fcmDetail('UNREGISTERED')),
  SENDER_ID_MISMATCH: googleError(403, 'PERMISSION_DENIED', 'SenderId mismatch', fcmDetail('SENDER_ID_MISMATCH')),
  QUOTA_EXCEEDED: googleError(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded.', fcmDetail('QUOTA_EXCEEDED'), {
    '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
    violations: [{ subject: 'device', description: 'Device message rate exceeded.' }],
  }),
  UNAVAILABLE: googleError(503, 'UNAVAILABLE', 'The service is currently unavailable.', fcmDetail('UNAVAILABLE')),
  INTERNAL: googleError(500, 'INTERNAL', 'Internal error encountered.', fcmDetail('INTERNAL')),
  THIRD_PARTY_AUTH_ERROR: googleError(
    401,
    'UNAUTHENTICATED',
    'Auth error from APNS or Web Push Service',
    fcmDetail('THIRD_PARTY_AUTH_ERROR'),
  ),
  UNAUTHENTICATED: unauthenticated('ACCESS_TOKEN_EXPIRED'),
  PERMISSION_DENIED: permissionDenied('The caller does not have permission', 'IAM_PERMISSION_DENIED'),
} as const satisfies Record<string, GoogleAnswer>;

function fcmDetail(errorCode: string): object {
  return { '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode };
}

function badRequest(fieldViolations: readonly Violation[]): object {
  return { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations };
}

function errorInfo(reason: string): object {
  return { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com' };
}
