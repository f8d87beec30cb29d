import { hash } from 'node:crypto';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { type PushContent, wellFormed } from '@pns/payloads';
import { fitted } from './fcm.fitted';

/** Four weeks, the longest that FCM keeps a message for a device that is away. */
export const maxTtlSeconds = 2_419_200;

/** One message as the API takes it: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages */
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
 * Keys that FCM refuses, overwrites or keeps from the app, and those that begin with `pns_` before one of them, so that
 * no two keys of a payload become one. Sources: Message.data and ErrorCode of the API's reference.
 */
const reservedKey = /^(?:pns_)*(?:from|message_type|notification|collapse_key|google.*|gcm.*)$/is;

/**
 * The message of a delivery at `now` (ms since the epoch), or `expired`. `hasNotification` lets Android show the texts of
 * `content`; else the message has data only.
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
      // Google slows down senders whose urgent messages show nothing.
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
 * Every field as text, as the original sends them, nested ones as JSON; what is null is left out. `pns_id` is the same in
 * every attempt, and `pns_topic` says what happened.
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
 * FCM keeps four collapse keys for a device and drops messages of any further one, so only a topic as a whole is worth
 * one: where its newest notification stands for all before it.
 */
function collapseKeyOf({ collapseKey, topic }: Delivery): string | undefined {
  return collapseKey === topic ? topic : undefined;
}

/**
 * What is shown under the same tag takes the place of what was: a repeated delivery is not seen twice, and of a kind of which
 * only the newest counts nothing else is seen. A hash where a producer's key, which may be long, is part of it.
 */
function tagOf({ id, topic, collapseKey = id }: Delivery): string {
  return collapseKey === id || collapseKey === topic ? collapseKey : hash('sha256', collapseKey, 'base64url');
}
