import { hash } from 'node:crypto';
import type { Delivery, Outcome } from '@pns/transport-contract';
import type { PushContent } from '@pns/payloads';

/** FCM counts the keys and the values of what a message carries. Source: https://firebase.google.com/docs/cloud-messaging/concept-options */
export const maxMessageBytes = 4096;

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

/** What may be cut, and in which order: texts for people only, and what an app can fetch again first. */
const cuts = ['teaser', 'notification body', 'subject', 'notification title'] as const;

/**
 * The message of a delivery at `now` (ms since the epoch), or why there is none: `expired`, or `rejected` where it is too
 * large although its texts are cut. `hasNotification` lets Android show what `content` shows; else only the app hears of it.
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
  return cutToFit(message);
}

/** Bytes that count towards the limit, sizes of keys and values alike. */
export function messageBytes({ data, notification, android }: FcmMessage): number {
  return [data, notification ?? {}, android.notification ?? {}]
    .flatMap((part) => Object.entries<string | number>(part).flat())
    .reduce<number>((sum, text) => sum + Buffer.byteLength(String(text)), 0);
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

/** FCM takes UTF-8 only; half a surrogate pair becomes the replacement character. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
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

function cutToFit(message: FcmMessage): FcmMessage | Outcome {
  const fitting = cuts.reduce((cut, text) => {
    const excess = messageBytes(cut) - maxMessageBytes;
    return excess <= 0 ? cut : shortened(cut, text, excess);
  }, message);
  const bytes = messageBytes(fitting);
  if (bytes <= maxMessageBytes) return fitting;
  const reason = `The message has ${bytes} bytes with its texts cut, and FCM takes ${maxMessageBytes}; send fewer fields.`;
  return { kind: 'rejected', reason };
}

function shortened(message: FcmMessage, text: (typeof cuts)[number], excess: number): FcmMessage {
  const cut = (whole: string | undefined): string => cutText(whole ?? '', excess);
  const { data, notification } = message;
  switch (text) {
    case 'teaser':
    case 'subject':
      return Object.hasOwn(data, text) ? { ...message, data: { ...data, [text]: cut(data[text]) } } : message;
    case 'notification body':
      return notification?.body === undefined
        ? message
        : { ...message, notification: { ...notification, body: cut(notification.body) } };
    case 'notification title':
      return notification?.title === undefined
        ? message
        : { ...message, notification: { ...notification, title: cut(notification.title) } };
  }
}

const ellipsis = '…';
const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** `text` with at least `excess` bytes less, cut between two characters as a person counts them; '' when it is shorter. */
export function cutText(text: string, excess: number): string {
  const bytes = Buffer.from(text);
  const room = bytes.length - excess - Buffer.byteLength(ellipsis);
  if (room <= 0) return '';
  let end = room;
  // Not inside a character's bytes (0b10…), and then not inside what belongs together, such as a flag or an accent.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  const units = bytes.subarray(0, end).toString().length;
  const kept = text.slice(0, characters.segment(text).containing(units)?.index ?? units);
  return kept === '' ? '' : kept + ellipsis;
}
