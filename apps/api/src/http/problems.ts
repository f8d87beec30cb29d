import { requestProblemKinds, type PnsErrorCode } from '@pns/runtime';

/** A kind of problem: its HTTP status and title. The code that finds the fault writes the detail. */
export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** Time until a retry can succeed, in seconds. */
  readonly retryAfterSeconds?: number;
}

/** Every problem that the API answers. Codes are part of the contract: they are added, never renamed. */
export const problemKinds = {
  ...requestProblemKinds,
  BODY_MALFORMED: { status: 400, title: 'The body cannot be read' },
  BODY_MISSING: { status: 400, title: 'The body is missing' },
  REQUEST_ABORTED: { status: 400, title: 'The request ended before its body was complete' },
  PATH_INVALID: { status: 400, title: 'The path contains an invalid value' },
  QUERY_INVALID: { status: 400, title: 'The query contains an invalid value' },
  CURSOR_INVALID: { status: 400, title: 'The cursor is not valid' },
  FILTER_MISSING: { status: 400, title: 'A filter is needed' },
  IDEMPOTENCY_KEY_INVALID: { status: 400, title: 'The Idempotency-Key is not valid' },
  DOVECOT_REQUEST_INVALID: { status: 400, title: 'The request does not have the format of the Dovecot driver' },
  API_KEY_MISSING: { status: 401, title: 'An API key is needed' },
  API_KEY_UNKNOWN: { status: 401, title: 'The API key is not known' },
  API_KEY_EXPIRED: { status: 401, title: 'The API key has expired' },
  PRODUCER_REFUSED: { status: 401, title: 'The sender is not a known webhook producer' },
  SCOPE_MISSING: { status: 403, title: 'The API key lacks a scope' },
  CONTEXT_REFUSED: { status: 403, title: 'The API key is not valid for this context' },
  API_KEY_OUTLIVED: { status: 403, title: 'The new API key would expire later than the key that creates it' },
  API_KEY_EXCEEDS_MAKER: { status: 403, title: 'The new API key would have more rights than the key that creates it' },
  WEBHOOK_NOT_ENABLED: { status: 403, title: 'The webhook is not enabled for this user' },
  PATH_UNKNOWN: { status: 404, title: 'There is nothing at this path' },
  API_KEY_NOT_FOUND: { status: 404, title: 'There is no such API key' },
  SUBSCRIPTION_NOT_FOUND: { status: 404, title: 'There is no such subscription' },
  NOTIFICATION_NOT_FOUND: { status: 404, title: 'The history does not contain the notification' },
  CONTEXT_NOT_FOUND: { status: 404, title: 'The context is not in the directory' },
  USER_NOT_FOUND: { status: 404, title: 'The user is not in the directory' },
  PROPERTY_NOT_SET: { status: 404, title: 'The property is not set here' },
  CLIENT_OPTIONS_NOT_SET: { status: 404, title: 'No options are set for this client and transport' },
  CONTEXT_SET_NOT_FOUND: { status: 404, title: 'There is no such context set' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The path does not support this method' },
  CONTEXT_NAME_TAKEN: { status: 409, title: 'The name belongs to another context' },
  LOGIN_TAKEN: { status: 409, title: 'The login belongs to another user' },
  PROPERTY_LIMIT: { status: 409, title: 'The context or user has reached its limit of properties' },
  SUBSCRIPTION_LIMIT: { status: 409, title: 'The user has reached the limit of subscriptions' },
  TOKEN_TAKEN: { status: 409, title: 'Another user has registered the URI' },
  SESSION_ISSUED_ELSEWHERE: { status: 409, title: 'An identity provider issues the sessions' },
  VERSION_CHANGED: { status: 412, title: 'The resource does not have the expected version' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  BATCH_TOO_LARGE: { status: 413, title: 'There are too many notifications in one request' },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The payload is too large' },
  MEDIA_TYPE_UNSUPPORTED: { status: 415, title: 'The media type is not supported' },
  ENCODING_UNSUPPORTED: { status: 415, title: 'The content encoding is not supported' },
  BODY_INVALID: { status: 422, title: 'The body contains an invalid value' },
  NOTIFICATION_INVALID: { status: 422, title: 'The notification contains an invalid value' },
  NOTIFICATIONS_INVALID: { status: 422, title: 'None of the notifications is valid' },
  ID_REUSED: { status: 422, title: 'The id was already used for other content' },
  TOPIC_INVALID: { status: 422, title: 'The topic is not valid' },
  PAYLOAD_INVALID: { status: 422, title: 'The payload does not match the schema of its topic' },
  PROPERTY_UNKNOWN: { status: 422, title: 'There is no such property' },
  PROPERTY_VALUE_INVALID: { status: 422, title: 'The property cannot hold this value' },
  PROPERTY_SCOPE_REFUSED: { status: 422, title: 'The property cannot be set in this scope' },
  WEBHOOK_UNKNOWN: { status: 422, title: 'There is no such webhook' },
  TOKEN_INVALID: { status: 422, title: 'The token does not have the format of its provider' },
  WEBHOOK_REFUSED: { status: 422, title: 'The configuration of the webhook cannot be used' },
  WEBHOOK_URI_REFUSED: { status: 422, title: 'The webhook does not allow this URI' },
  WEBHOOK_EXPIRY_REFUSED: { status: 422, title: 'The webhook does not allow this expiry' },
  RATE_LIMITED: { status: 429, title: 'The API key has used up its rate limit' },
  INTERNAL: { status: 500, title: 'An unexpected error occurred' },
  TEST_UNANSWERED: { status: 504, title: 'No worker reported the result of the test push' },
  DATABASE_UNREACHABLE: { status: 503, title: 'Postgres is not reachable', retryAfterSeconds: 5 },
  REDIS_UNREACHABLE: { status: 503, title: 'Redis is not reachable', retryAfterSeconds: 5 },
  REDIS_FULL: { status: 503, title: 'Redis is full', retryAfterSeconds: 1 },
  ERASURE_UNFINISHED: { status: 503, title: 'The erasure is not finished yet', retryAfterSeconds: 1 },
  STOPPING: { status: 503, title: 'This process is stopping', retryAfterSeconds: 1 },
  OVERLOADED: { status: 503, title: 'The service is overloaded', retryAfterSeconds: 1 },
  // Further codes of libs and apps, listed so that every `PnsError` has a status. Most of these errors end no request to the API.
  SESSION_MISSING: { status: 401, title: 'A session is needed' },
  SESSION_INVALID: { status: 401, title: 'The session is not valid' },
  SESSION_ENDED: { status: 401, title: 'The session has ended' },
  SESSION_OF_OTHER_CLIENT: { status: 403, title: 'The session is for another client' },
  SESSION_TTL_INVALID: { status: 422, title: 'The lifetime of the session is too long' },
  SESSION_KEYS_UNREACHABLE: { status: 503, title: 'The identity provider is not reachable', retryAfterSeconds: 5 },
  CONNECTION_INVALID: { status: 400, title: 'The connection id is not valid' },
  CONNECTION_DUPLICATE: { status: 400, title: 'The connection id is in use' },
  TRANSPORT_UNKNOWN: { status: 400, title: 'The server does not support this transport' },
  SOCKETS_TOO_MANY: { status: 400, title: 'The user has reached the limit of sockets' },
  UNAVAILABLE: { status: 503, title: 'The service is not available', retryAfterSeconds: 1 },
  CONFIG_SLOW: { status: 503, title: 'The configuration could not be read in time', retryAfterSeconds: 5 },
  CONFIG_INVALID: { status: 500, title: 'The configuration contains an invalid value' },
  TAG_EXPRESSION_INVALID: { status: 422, title: 'The tag expression is not valid' },
  SECRET_UNREADABLE: { status: 500, title: 'A secret cannot be decrypted' },
  ENCRYPTION_KEY_MISSING: { status: 500, title: 'An encryption key is missing' },
  ENVIRONMENT_INVALID: { status: 500, title: 'The environment contains an invalid value' },
  DATABASE_REFUSED: { status: 500, title: 'Postgres refuses the connection' },
  CONNECT_REPEATED: { status: 400, title: 'The socket is already connected' },
  AUTH_INVALID: { status: 400, title: 'The auth data of the socket cannot be read' },
  HANDSHAKES_TOO_MANY: { status: 429, title: 'The address has too many connections without a session' },
  RUNS_ALREADY: { status: 500, title: 'PNS is already running on this data' },
  REDIS_REFUSED: { status: 500, title: 'Redis refuses the connection' },
  PORT_IN_USE: { status: 500, title: 'The port is in use' },
  SERVER_NOT_STARTED: { status: 500, title: 'A server did not start' },
  DEMO_REFUSED: { status: 500, title: 'The example could not be prepared' },
} as const satisfies Readonly<Record<PnsErrorCode, ProblemKind>>;

/** An RFC 9457 problem. `code` is an extension of PNS: it is stable, and `type` ends with it. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: PnsErrorCode;
  readonly errors?: readonly object[];
}

export function problemOf(code: PnsErrorCode, detail: string, errors: readonly object[] = []): Problem {
  const { status, title } = problemKinds[code];
  const type = `urn:pns:problem:${code.toLowerCase().replaceAll('_', '-')}`;
  return { type, title, status, detail, code, ...(errors.length === 0 ? {} : { errors }) };
}
