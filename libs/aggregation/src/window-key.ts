import { hash } from 'node:crypto';
import { PayloadTexts, type AggregationMode, type Notification } from '@pns/notifications';
import type { Owner } from '@pns/subscriptions';
import type { Priority } from '@pns/transport-contract';

/** Priority lengthens both the delay and its cap by this factor. */
export const priorityFactor: Readonly<Record<Priority, number>> = { high: 1, medium: 2, low: 4 };

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
