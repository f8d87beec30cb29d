import { hash } from 'node:crypto';
import {
  cutTexts,
  fieldsThatFit,
  isWithinBytes,
  jsonBytes,
  type PushContent,
  type Texts,
  wellFormed,
} from '@pns/payloads';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { maxContentBytes } from './webpush.encryption';
import type { Urgency } from './webpush.options';

/** Four weeks: the longest time for which Google keeps a message. Mozilla keeps it for 30 days. */
const maxTtlSeconds = 2_419_200;

/** How long push services keep a message without a time to live, as with the other transports. */
const defaultTtlSeconds = 24 * 60 * 60;

/** A longer `cid` or URL is left out if the message is too long, because a part of it is useless. */
const maxNameBytes = 1024;

/** The most characters of the header `Topic`. Source: RFC 8030, 5.4. */
const topicCharacters = 32;

const urgencyOf: Readonly<Record<Delivery['priority'], Urgency>> = { high: 'high', medium: 'normal', low: 'low' };

/** A push message before its encryption. */
export interface WebpushMessage {
  readonly headers: Readonly<Record<string, string>>;
  /** The content as JSON. */
  readonly content: string;
}

/** The options that decide the form of a message. */
export interface MessageStyle {
  /** Whether the message is also a declarative message, which browsers can show without a service worker. */
  readonly declarative: boolean;
  /** The urgency of all messages. By default the priority of the notification decides. */
  readonly urgency?: Urgency | undefined;
}

/** The message of a delivery at `now` (ms since the epoch), or the outcome `expired`. Source of the headers: RFC 8030, 5. */
export function webpushMessage(
  delivery: Delivery,
  content: PushContent,
  { declarative, urgency }: MessageStyle,
  now: number,
): WebpushMessage | Outcome {
  const { expiresAt, collapseKey, priority } = delivery;
  if (expiresAt !== undefined && expiresAt <= now) {
    return { kind: 'expired', reason: 'Its time to live ended before it was sent.' };
  }
  const restSeconds = expiresAt === undefined ? defaultTtlSeconds : Math.floor((expiresAt - now) / 1000);
  const ttlSeconds = Math.min(restSeconds, maxTtlSeconds);
  return {
    headers: {
      ttl: String(ttlSeconds),
      // Microsoft answers 400 to a TTL of 0 without this header: https://github.com/web-push-libs/pywebpush/issues/162
      ...(ttlSeconds === 0 && { 'x-wns-cache-policy': 'no-cache' }),
      urgency: urgency ?? urgencyOf[priority],
      ...(collapseKey !== undefined && { topic: hash('sha256', collapseKey, 'base64url').slice(0, topicCharacters) }),
    },
    content: fitted(delivery, content, declarative),
  };
}

type Fields = Readonly<Record<string, unknown>>;

/** The message as JSON in at most `maxContentBytes`: fields of the payload are left out first, then the texts are cut. */
function fitted(delivery: Delivery, { title, body, ...rest }: PushContent, isDeclarative: boolean): string {
  const content = { ...rest, ...titled({ title, body }) };
  const whole = json(delivery, content, content.data, isDeclarative);
  return isWithinBytes(whole, maxContentBytes) ? whole : shortened(delivery, content, isDeclarative);
}

/** Every notification in a browser has a title, so a body without a title becomes the title. */
function titled({ title, body }: { title?: string | undefined; body?: string | undefined }): Texts {
  const [first, second] = title === undefined ? [body] : [title, body];
  return {
    ...(first !== undefined && { title: wellFormed(first) }),
    ...(second !== undefined && { body: wellFormed(second) }),
  };
}

/**
 * The message as JSON. `id` is the same for every attempt. In a declarative message, the texts are members of `notification`, and
 * `app_badge` occurs twice: in `notification` for Safari, and beside `notification` as the Push API requires. Sources:
 * https://www.w3.org/TR/push-api/#declarative-push-message and https://webkit.org/blog/16535/meet-declarative-web-push/
 */
function json(
  delivery: Delivery,
  { title, body, badge, navigate, cid }: PushContent,
  data: Fields,
  isDeclarative: boolean,
  isTruncated = false,
): string {
  const { id, topic, timestamp, count, priority, collapseKey = id } = delivery;
  const silent = priority === 'low' ? true : undefined;
  const own = {
    ...{ id, topic, timestamp },
    ...(count > 1 && { count }),
    ...(cid !== undefined && { cid }),
  };
  const rest = { ...(isTruncated && { truncated: true }), data };
  if (title === undefined || !isDeclarative) {
    return JSON.stringify({ ...own, title, body, badge, navigate, silent, ...rest });
  }
  const tag = collapseKey === id || collapseKey === topic ? collapseKey : hash('sha256', collapseKey, 'base64url');
  const notification = { title, body, navigate, tag, silent, app_badge: badge };
  return JSON.stringify({ web_push: 8030, notification, app_badge: badge, ...own, ...rest });
}

function shortened(delivery: Delivery, content: PushContent, isDeclarative: boolean): string {
  const { cid, navigate, title, body, ...rest } = content;
  const named = { ...rest, ...short('cid', cid), ...short('navigate', navigate) };
  const texts = { ...(title !== undefined && { title }), ...(body !== undefined && { body }) };
  const least = json(delivery, { ...named, ...emptied(texts) }, {}, isDeclarative, true);
  const room = maxContentBytes - Buffer.byteLength(least);
  const left = room - jsonBytes(title ?? '') - jsonBytes(body ?? '');
  if (left < 0) return json(delivery, { ...named, ...cutTexts(texts, room, jsonBytes) }, {}, isDeclarative, true);
  const fitting = Object.fromEntries(fieldsThatFit(Object.entries(content.data), left));
  return json(delivery, { ...named, ...texts }, fitting, isDeclarative, true);
}

function short(name: 'cid' | 'navigate', value: string | undefined): { cid?: string; navigate?: string } {
  return value === undefined || jsonBytes(value) > maxNameBytes ? {} : { [name]: value };
}

function emptied({ title, body }: Texts): Texts {
  return { ...(title !== undefined && { title: '' }), ...(body !== undefined && { body: '' }) };
}
