import { hash } from 'node:crypto';
import { PayloadTexts, type AggregationMode, type Notification } from '@pns/notifications';
import type { Owner } from '@pns/subscriptions';
import type { Priority } from '@pns/transport-contract';

/** The delay of a window and its maximum are multiplied by this factor. */
export const priorityFactor: Readonly<Record<Priority, number>> = { high: 1, medium: 2, low: 4 };

/** Characters of a digest in base64 that a window's key keeps: 168 bits. */
const windowDigestLength = 28;

/**
 * The key that similar notifications share. It begins with context and user, so that all windows of a user can be found. It
 * contains the mode, so that a changed property never mixes windows of two modes.
 */
export function windowKey(
  mode: AggregationMode,
  notification: Notification,
  texts = new PayloadTexts(notification.payload),
): string {
  const { context, user, topic, sourceToken, aggregationKey } = notification;
  // Returns a list in JSON. The topic is not escaped, because it has no character that JSON escapes.
  const pair = (key: string | undefined): string => `["${topic}",${key === undefined ? 'null' : JSON.stringify(key)}]`;
  const similar = mode === 'equal' ? pair(sourceToken) + texts.canonical : pair(aggregationKey);
  return `${context}:${user}:${mode}:${hash('sha256', similar, 'base64').slice(0, windowDigestLength)}`;
}

/** The prefix of the keys of the owner's windows. */
export function windowKeyStart({ context, user }: Owner): string {
  return user === undefined ? `${context}:` : `${context}:${user}:`;
}

/**
 * The form in which a producer's id is stored. It is a digest, because the id must not identify an erased user while it is kept.
 * A digest also has the same size for every id.
 */
export function idempotencyDigest(idempotencyKey: string, { context, user }: Notification): string {
  return hash('sha1', `${context}:${user}:${idempotencyKey}`, 'base64');
}

/**
 * The digest of the content that is stored with a producer's id, to distinguish a repeat from another notification with the same
 * id: 63 bits in decimal, because Redis keeps an integer in 16 bytes. All versions must compute the same digest.
 */
export function contentDigest(
  { topic, sourceToken, priority, expiresAt, timestamp, aggregationKey }: Notification,
  texts: PayloadTexts,
): string {
  const ttlMs = expiresAt === undefined ? null : expiresAt - timestamp;
  const rest = JSON.stringify([topic, sourceToken ?? null, priority, ttlMs, aggregationKey ?? null]);
  return String(BigInt(`0x${hash('sha256', rest + texts.canonical, 'hex').slice(0, 16)}`) >> 1n);
}

/** The mode in a window's key. */
export function modeOf(key: string): AggregationMode {
  return key.split(':', 3)[2] as AggregationMode;
}
