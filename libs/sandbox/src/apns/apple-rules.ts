/** Why Apple refuses a push. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** The parts of a push that are checked. */
export interface PushRequest {
  readonly method: string;
  readonly path: string;
  /** The headers by lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The headers as a flat list, in which each name is followed by its value. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

const pushTypes: ReadonlySet<string> = new Set([
  'alert',
  'background',
  'complication',
  'controls',
  'fileprovider',
  'liveactivity',
  'location',
  'mdm',
  'pushtotalk',
  'voip',
  'widgets',
]);

const maxCollapseIdBytes = 64;
const maxBodyBytes = { voip: 5120, others: 4096 };

/** Headers that a push may have only once. */
const single = /^(?:apns-.*|authorization)$/;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The device token in the path of a push, also if the token is invalid; undefined if the path is not for pushes. */
export function deviceTokenOf(path: string): string | undefined {
  return /^\/3\/device\/([^/?]*)$/.exec(path)?.[1];
}

/**
 * The fault of a push, independent of its sender; undefined if there is none. Sources: "Sending notification requests
 * to APNs", https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns,
 * "Generating a remote notification" and "Handling notification responses from APNs" beside it.
 */
export function refusalOf({ method, path, headers, rawHeaders, body }: PushRequest): Refusal | undefined {
  const token = deviceTokenOf(path);
  const type = headers['apns-push-type'];
  const names = rawHeaders.filter((name, index) => index % 2 === 0 && single.test(name));
  const found: readonly (readonly [isFault: boolean, status: number, reason: string])[] = [
    [token === undefined, 404, 'BadPath'],
    [method !== 'POST', 405, 'MethodNotAllowed'],
    [token === '', 400, 'MissingDeviceToken'],
    [new Set(names).size < names.length, 400, 'DuplicateHeaders'],
    [!/^(?:[0-9a-f]{2}){8,100}$/i.test(token ?? ''), 400, 'BadDeviceToken'],
    [!isAbsentOr(headers['apns-id'], uuid), 400, 'BadMessageId'],
    [!isAbsentOr(headers['apns-expiration'], /^\d{1,10}$/), 400, 'BadExpirationDate'],
    [!isAbsentOr(headers['apns-priority'], type === 'background' ? /^[15]$/ : /^(?:1|5|10)$/), 400, 'BadPriority'],
    // Without `apns-priority` a push has priority 10, which a background push must not have.
    [type === 'background' && headers['apns-priority'] === undefined, 400, 'BadPriority'],
    [type !== undefined && !pushTypes.has(type), 400, 'InvalidPushType'],
    [Buffer.byteLength(headers['apns-collapse-id'] ?? '', 'latin1') > maxCollapseIdBytes, 400, 'BadCollapseId'],
    [!isAbsentOr(headers['apns-topic'], /^[A-Za-z0-9.-]{1,255}$/), 400, 'BadTopic'],
    [body.length > (type === 'voip' ? maxBodyBytes.voip : maxBodyBytes.others), 413, 'PayloadTooLarge'],
    // Apple documents no reason for a body that is not JSON or has no aps, so the answer has the reason for an empty body.
    [!hasAps(body), 400, 'PayloadEmpty'],
  ];
  const first = found.find(([isFault]) => isFault);
  return first && { status: first[1], reason: first[2] };
}

function isAbsentOr(value: string | undefined, pattern: RegExp): boolean {
  return value === undefined || pattern.test(value);
}

function hasAps(body: Buffer): boolean {
  try {
    const { aps } = JSON.parse(body.toString()) as { aps?: unknown };
    return typeof aps === 'object' && aps !== null && !Array.isArray(aps);
  } catch {
    return false;
  }
}
