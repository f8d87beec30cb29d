import { type GoogleAnswer, invalidArgument, malformed, type Violation } from './google-errors';

/** The parts of an accepted message that the sandbox uses. */
export interface AcceptedMessage {
  readonly token: string;
  readonly data: Readonly<Record<string, string>>;
}

type Shape = 'string' | 'boolean' | 'number' | 'duration' | 'strings' | 'any' | readonly string[] | ObjectShape;
interface ObjectShape {
  readonly [field: string]: Shape;
}

const androidNotification = {
  ...strings('title', 'body', 'icon', 'color', 'sound', 'tag', 'click_action', 'body_loc_key', 'title_loc_key'),
  ...strings('channel_id', 'ticker', 'event_time', 'image'),
  body_loc_args: 'any',
  title_loc_args: 'any',
  sticky: 'boolean',
  local_only: 'boolean',
  notification_priority: [
    'PRIORITY_UNSPECIFIED',
    ...['MIN', 'LOW', 'DEFAULT', 'HIGH', 'MAX'].map((level) => `PRIORITY_${level}`),
  ],
  default_sound: 'boolean',
  default_vibrate_timings: 'boolean',
  default_light_settings: 'boolean',
  vibrate_timings: 'any',
  visibility: ['VISIBILITY_UNSPECIFIED', 'PRIVATE', 'PUBLIC', 'SECRET'],
  notification_count: 'number',
  light_settings: 'any',
  bypass_proxy_notification: 'boolean',
  proxy: ['PROXY_UNSPECIFIED', 'ALLOW', 'DENY', 'IF_PRIORITY_LOWERED'],
} as const satisfies ObjectShape;

/** Source: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages and its method send */
const request: ObjectShape = {
  validate_only: 'boolean',
  message: {
    ...strings('name', 'token', 'topic', 'condition'),
    data: 'strings',
    notification: strings('title', 'body', 'image'),
    android: {
      ...strings('collapse_key', 'restricted_package_name'),
      // Google's guides write priorities in lower case, and FCM accepts both cases.
      priority: ['NORMAL', 'HIGH', 'normal', 'high'],
      ttl: 'duration',
      data: 'strings',
      notification: androidNotification,
      fcm_options: strings('analytics_label'),
      direct_boot_ok: 'boolean',
      bandwidth_constrained_ok: 'boolean',
      restricted_satellite_ok: 'boolean',
    },
    webpush: { headers: 'strings', data: 'strings', notification: 'any', fcm_options: 'any' },
    apns: { headers: 'strings', payload: 'any', fcm_options: 'any', live_activity_token: 'string' },
    fcm_options: strings('analytics_label'),
  },
};

const maxMessageBytes = 4096;
const maxTtlSeconds = 2_419_200;

/** FCM's error for the body of a request, or the message if it is valid. */
export function judgedMessage(body: Buffer): AcceptedMessage | GoogleAnswer {
  const json = parsed(body);
  if (json === undefined || typeof json !== 'object' || json === null || Array.isArray(json)) {
    return malformed([{ field: '', description: 'Invalid JSON payload received. Expected an object.' }]);
  }
  const violations: Violation[] = [];
  const { message } = read(json, request, '', violations) as { message?: Record<string, unknown> };
  if (violations.length > 0) return malformed(violations);
  return message === undefined ? invalidArgument('The message is not set.') : judged(message);
}

function judged(message: Record<string, unknown>): AcceptedMessage | GoogleAnswer {
  const targets = ['token', 'topic', 'condition'].filter((field) => message[field] !== undefined);
  if (targets.length !== 1) {
    const description = 'Recipient of the message is not set.';
    return invalidArgument(description, [{ field: 'message', description }]);
  }
  const { token } = message;
  if (typeof token !== 'string') {
    return invalidArgument('This sandbox knows devices only, no topics and conditions.');
  }
  if (!/^[A-Za-z0-9_:-]{10,4096}$/.test(token)) {
    const description = 'Invalid registration token';
    return invalidArgument('The registration token is not a valid FCM registration token', [
      { field: 'message.token', description },
    ]);
  }
  const android = (message['android'] ?? {}) as { ttl?: string; data?: Record<string, string>; notification?: object };
  const data = { ...(message['data'] as Record<string, string> | undefined), ...android.data };
  const reserved = Object.keys(data).find(isReserved);
  if (reserved !== undefined) {
    const description = `Invalid data payload key: ${reserved}`;
    return invalidArgument(description, [{ field: 'message.data', description }]);
  }
  if (android.ttl !== undefined && Number.parseFloat(android.ttl) > maxTtlSeconds) {
    const description = 'Invalid TTL';
    return invalidArgument(description, [{ field: 'message.android.ttl', description }]);
  }
  const shown = { ...(message['notification'] as object | undefined), ...android.notification };
  if (bytesOf(data) + bytesOf(shown) > maxMessageBytes) return invalidArgument('Android message is too big');
  return { token, data };
}

/** Whether FCM refuses a key of the data. Google's pages name two rules, and this function applies both. */
function isReserved(key: string): boolean {
  return key === 'from' || key === 'message_type' || /^(?:google|gcm)/i.test(key);
}

function bytesOf(fields: object): number {
  return Object.entries(fields)
    .flat()
    .reduce<number>((sum, text) => sum + Buffer.byteLength(String(text)), 0);
}

/** Reads JSON as Google does: names in camel case or with underscores, null as absent, and every unknown field as a violation. */
function read(value: unknown, shape: Shape, path: string, violations: Violation[]): unknown {
  if (value === null) return undefined;
  const fault = (type: string): void => {
    violations.push({ field: path, description: `Invalid value at '${path}' (${type}), ${JSON.stringify(value)}` });
  };
  if (shape === 'any') return value;
  if (shape === 'string') {
    if (typeof value !== 'string' || hasHalfCharacter(value)) fault('TYPE_STRING');
  } else if (shape === 'boolean') {
    if (typeof value !== 'boolean') fault('TYPE_BOOL');
  } else if (shape === 'number') {
    if (!Number.isInteger(value)) fault('TYPE_INT32');
  } else if (shape === 'duration') {
    const isDuration = typeof value === 'string' && /^\d{1,12}(?:\.\d{1,9})?s$/.test(value);
    if (!isDuration) fault('type.googleapis.com/google.protobuf.Duration');
  } else if (Array.isArray(shape)) {
    if (!shape.includes(value)) fault('TYPE_ENUM');
  } else if (typeof value !== 'object' || Array.isArray(value)) {
    fault('TYPE_MESSAGE');
  } else if (shape === 'strings') {
    Object.entries(value).forEach(([key, text], index) => {
      read(key, 'string', `${path}[${index}].key`, violations);
      if (text === null) fault('TYPE_STRING');
      read(text, 'string', `${path}[${index}].value`, violations);
    });
  } else return readObject(value, shape as ObjectShape, path, violations);
  return value;
}

function readObject(value: object, shape: ObjectShape, path: string, violations: Violation[]): object {
  const fields = Object.entries(value).map(([name, inner]: [string, unknown]) => {
    const field = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const known = Object.hasOwn(shape, field) ? shape[field] : undefined;
    if (known !== undefined) return [field, read(inner, known, path === '' ? field : `${path}.${field}`, violations)];
    const at = path === '' ? '' : ` at '${path}'`;
    violations.push({
      field: path,
      description: `Invalid JSON payload received. Unknown name "${name}"${at}: Cannot find field.`,
    });
    return [];
  });
  return Object.fromEntries(fields.filter(([, inner]) => inner !== undefined)) as object;
}

function hasHalfCharacter(text: string): boolean {
  return /\p{Cs}/u.test(text);
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function strings<Name extends string>(...names: Name[]): Readonly<Record<Name, 'string'>> {
  return Object.fromEntries(names.map((name) => [name, 'string'])) as Record<Name, 'string'>;
}
