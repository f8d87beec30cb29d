import { hash } from 'node:crypto';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { type PushContent, wellFormed } from '@pns/payloads';
import { fitted } from './fcm.fitted';

/** Four weeks, the longest that FCM keeps a message for a device that is away. */
export const maxTtlSeconds = 2_419_200;

/** A message of the API: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages */
export interface FcmMessage {
  readonly token: string;
  readonly data: Readonly<Record<string, string>>;
  readonly notification?: Readonly<{ title?: string; body?: string }>;
  readonly android: {
    readonly priority: 'HIGH' | 'NORMAL';
    readonly ttl?: string;
    readonly collapse_key?: string;
    readonly notification?: Readonly<{ tag: string; sound?: string; notification_count?: number }>;
  };
}

/**
 * Keys that FCM refuses, overwrites or does not pass to the app. They are sent with `pns_` before them. A key that already has
 * `pns_` before such a key matches too, so that no two keys of a payload become equal. Sources: Message.data and ErrorCode of the
 * API's reference.
 */
const reservedKey = /^(?:pns_)*(?:from|message_type|notification|collapse_key|google.*|gcm.*)$/is;

/**
 * The message of a delivery at `now` (ms since the epoch), or the outcome `expired`. With `hasNotification`, Android
 * shows the texts of `content`. Without it, the message has data only.
 */
export function fcmMessage(
  delivery: Delivery,
  content: PushContent,
  hasNotification: boolean,
  now: number,
): FcmMessage | Outcome {
  const ttlSeconds = delivery.expiresAt === undefined ? undefined : Math.floor((delivery.expiresAt - now) / 1000);
  if (ttlSeconds !== undefined && delivery.expiresAt !== undefined && delivery.expiresAt <= now) {
    return { kind: 'expired', reason: 'Its time to live ended before it was sent.' };
  }
  const isShown = content.title !== undefined || content.body !== undefined;
  const collapseKey = collapseKeyOf(delivery);
  const message: FcmMessage = {
    token: delivery.token,
    data: dataOf(delivery, content),
    ...(hasNotification && isShown && { notification: textOf(content) }),
    android: {
      // Google throttles senders of urgent messages that show nothing.
      priority: delivery.priority === 'high' && isShown ? 'HIGH' : 'NORMAL',
      ...(ttlSeconds !== undefined && { ttl: `${Math.min(ttlSeconds, maxTtlSeconds)}s` }),
      ...(collapseKey !== undefined && { collapse_key: collapseKey }),
      ...(hasNotification &&
        isShown && {
          notification: {
            tag: tagOf(delivery),
            ...(content.sound !== undefined && { sound: content.sound }),
            ...(content.badge !== undefined && { notification_count: content.badge }),
          },
        }),
    },
  };
  return fitted(message, (field) => typeof content.data[field] === 'string');
}

/**
 * The data of a message: every field as text, as in the original; nested fields as JSON. Fields that are null are left out.
 * `pns_id` is the same in every attempt, and `pns_topic` is the topic.
 */
function dataOf({ id, topic }: Delivery, { data }: PushContent): Record<string, string> {
  const fields = Object.entries(data)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => [reservedKey.test(key) ? `pns_${key}` : key, textFrom(value)])
    .map((field) => field.map(wellFormed));
  return Object.fromEntries([...fields, ['pns_id', id], ['pns_topic', topic]]) as Record<string, string>;
}

function textFrom(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function textOf({ title, body }: PushContent): { title?: string; body?: string } {
  return {
    ...(title !== undefined && { title: wellFormed(title) }),
    ...(body !== undefined && { body: wellFormed(body) }),
  };
}

/**
 * FCM keeps four collapse keys for a device and drops messages with a fifth key. So a message has a collapse key only if it
 * replaces all earlier messages of its topic.
 */
function collapseKeyOf({ collapseKey, topic }: Delivery): string | undefined {
  return collapseKey === topic ? topic : undefined;
}

/**
 * The tag of a notification. Android replaces a shown notification with the same tag. So a repeated delivery is shown once, and
 * if only the newest notification of a kind counts, only the newest is shown. A tag with a producer's key is hashed, because the
 * key may be long.
 */
function tagOf({ id, topic, collapseKey = id }: Delivery): string {
  return collapseKey === id || collapseKey === topic ? collapseKey : hash('sha256', collapseKey, 'base64url');
}
