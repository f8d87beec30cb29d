import { hash } from 'node:crypto';
import type { AggregationMode } from '@pns/config-cascade';
import type { Priority } from '@pns/transport-contract';
import type { Owner } from '@pns/subscriptions';
import { configure } from 'safe-stable-stringify';

/** What a producer told us, checked and complete. */
export interface Notification {
  /** The producer's own id, or one that we made. */
  readonly id: string;
  readonly context: number;
  readonly user: number;
  readonly topic: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly sourceToken?: string;
  readonly priority: Priority;
  /** When its time to live ends, in ms since the epoch. */
  readonly expiresAt?: number;
  readonly aggregationKey?: string;
  /** When it was accepted, in ms since the epoch. */
  readonly timestamp: number;
  /** Makes a repeat by the producer harmless for a while; absent when the producer chose no id. */
  readonly idempotencyKey?: string;
}

/** A notification as it waits in Redis: a wire format, read by later versions too. */
export interface StoredNotification extends Omit<Notification, 'idempotencyKey'> {
  readonly v: 1;
}

/** Priority lengthens both the delay and its cap by this factor. */
export const priorityFactor: Readonly<Record<Priority, number>> = { high: 1, medium: 2, low: 4 };

/** Key order is no difference between two payloads. */
const canonicalJson = configure({ deterministic: true });

/** The texts of one payload, each made once however many users it is addressed to. */
export class PayloadTexts {
  private ownJson: string | undefined;
  private ownCanonical: string | undefined;

  constructor(readonly payload: Notification['payload']) {}

  get json(): string {
    return (this.ownJson ??= JSON.stringify(this.payload));
  }

  /** The same for two payloads exactly if they are equal. */
  get canonical(): string {
    return (this.ownCanonical ??= canonicalJson(this.payload) ?? '');
  }
}

/** Characters of a digest in base64 that a window's key keeps: 168 bits. */
const windowDigestLength = 28;

/**
 * What similar notifications have in common. It begins with the user, so that all of a user's windows can be found, and
 * names the mode, so that a changed property never mixes windows of two kinds.
 */
export function windowKey(
  mode: AggregationMode,
  notification: Notification,
  texts = new PayloadTexts(notification.payload),
): string {
  const { context, user, topic, sourceToken, aggregationKey } = notification;
  const similar =
    mode === 'equal'
      ? JSON.stringify([topic, sourceToken ?? null]) + texts.canonical
      : JSON.stringify([topic, aggregationKey ?? null]);
  return `${context}:${user}:${mode}:${hash('sha256', similar, 'base64').slice(0, windowDigestLength)}`;
}

/** What the keys of the owner's windows begin with. */
export function windowKeyStart({ context, user }: Owner): string {
  return user === undefined ? `${context}:` : `${context}:${user}:`;
}

/**
 * What is remembered of a producer's id. A digest, so that nobody who was erased is named as long as the id is kept, and
 * because it costs the same whatever a producer calls its notifications.
 */
export function idempotencyDigest(idempotencyKey: string, { context, user }: Notification): string {
  return hash('sha1', `${context}:${user}:${idempotencyKey}`, 'base64');
}

/**
 * What is remembered beside a producer's id, to tell a repeat from another notification with the same id: 63 bits, in
 * decimal, because Redis keeps an integer in 16 bytes. It must stay the same from version to version.
 */
export function contentDigest(
  { topic, sourceToken, priority, expiresAt, timestamp, aggregationKey }: Notification,
  texts: PayloadTexts,
): string {
  const ttlMs = expiresAt === undefined ? null : expiresAt - timestamp;
  const rest = JSON.stringify([topic, sourceToken ?? null, priority, ttlMs, aggregationKey ?? null]);
  return String(BigInt(`0x${hash('sha256', rest + texts.canonical, 'hex').slice(0, 16)}`) >> 1n);
}

/** The mode that a window's key names. */
export function modeOf(key: string): AggregationMode {
  return key.split(':', 3)[2] as AggregationMode;
}

/** A notification as text, and the character of it, from 1, at which its expiry stands if it has one. */
export interface Item {
  readonly text: string;
  readonly expiryAt: number;
}

const itemStart = '{"v":1';

/**
 * The stored form of a notification: JSON of a `StoredNotification`. It begins with what the scripts look at, so that they
 * need not read the rest: `{"v":1,"sourceToken":"…","expiresAt":…,` each where there is one.
 */
export function itemOf(notification: Notification, texts = new PayloadTexts(notification.payload)): Item {
  const { id, context, user, topic, sourceToken, priority, expiresAt, aggregationKey, timestamp } = notification;
  const source = sourceToken === undefined ? '' : `,"sourceToken":${JSON.stringify(sourceToken)}`;
  const expiry = expiresAt === undefined ? '' : `,"expiresAt":${expiresAt}`;
  const key = aggregationKey === undefined ? '' : `,"aggregationKey":${JSON.stringify(aggregationKey)}`;
  return {
    text:
      `${itemStart}${source}${expiry},"id":${JSON.stringify(id)},"context":${context},"user":${user},"topic":"${topic}",` +
      `"payload":${texts.json},"priority":"${priority}"${key},"timestamp":${timestamp}}`,
    expiryAt: itemStart.length + Buffer.byteLength(source) + 1,
  };
}

/** Reads what `itemOf` wrote. */
export function decodeNotification(text: string): StoredNotification {
  const stored = JSON.parse(text) as StoredNotification;
  if (stored.v !== 1) throw new Error(`A stored notification has format ${String(stored.v)}; this version reads 1.`);
  return stored;
}
