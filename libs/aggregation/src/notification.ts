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

/**
 * What similar notifications have in common. It begins with the user, so that all of a user's windows can be found, and
 * names the mode, so that a changed property never mixes windows of two kinds.
 */
export function windowKey(mode: AggregationMode, notification: Notification): string {
  const { context, user, topic, sourceToken, payload, aggregationKey } = notification;
  const similar = mode === 'equal' ? [topic, sourceToken ?? null, payload] : [topic, aggregationKey ?? null];
  return `${context}:${user}:${mode}:${hash('sha1', canonicalJson(similar) ?? '', 'base64')}`;
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
 * The stored form of a notification. It begins with what the scripts look at, so that they need not read the rest:
 * `{"v":1,"sourceToken":"…","expiresAt":…,` each where there is one.
 */
export function itemOf(notification: Notification): Item {
  const { id, context, user, topic, payload, sourceToken, priority, expiresAt, aggregationKey, timestamp } =
    notification;
  const stored = {
    v: 1,
    sourceToken,
    expiresAt,
    id,
    context,
    user,
    topic,
    payload,
    priority,
    aggregationKey,
    timestamp,
  };
  const source = sourceToken === undefined ? '' : `,"sourceToken":${JSON.stringify(sourceToken)}`;
  return {
    text: JSON.stringify(stored satisfies Record<keyof StoredNotification, unknown>), // without what is undefined
    expiryAt: itemStart.length + Buffer.byteLength(source) + 1,
  };
}

/** Reads what `itemOf` wrote. */
export function decodeNotification(text: string): StoredNotification {
  const stored = JSON.parse(text) as StoredNotification;
  if (stored.v !== 1) throw new Error(`A stored notification has format ${String(stored.v)}; this version reads 1.`);
  return stored;
}
