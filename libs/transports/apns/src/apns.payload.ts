import { hash } from 'node:crypto';
import { Notification } from '@parse/node-apn';
import {
  cutTexts,
  fieldsThatFit,
  isWithinBytes,
  jsonBytes,
  maxDataFields,
  type PushContent,
  type Texts,
} from '@pns/payloads';
import type { Delivery } from '@pns/transport-contract';

/** One push as it is sent to Apple. */
interface ApnsPush {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Apple refuses a longer body: https://developer.apple.com/documentation/usernotifications/generating-a-remote-notification */
export const maxBodyBytes = 4096;

/** How long Apple keeps a push without a time to live for a device that is away; the value of the original. */
const keepMs = 24 * 60 * 60 * 1000;

/** A longer `cid`, the name of the item to open, is left out, because an app cannot use a part of it. */
const maxCidBytes = 1024;

/** Keys of the payload that producers must not set. */
const ownKeys: ReadonlySet<string> = new Set(['aps', 'cid', 'namespace']);

/**
 * The push for a delivery at `now` (ms since the epoch). Source of the headers: "Sending notification requests to APNs",
 * https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
 */
export function apnsPush(delivery: Delivery, content: PushContent, topic: string | undefined, now: number): ApnsPush {
  const isVisible = content.title !== undefined || content.body !== undefined;
  const id = apnsId(delivery.id);
  // 0 would mean that Apple tries once and does not keep the push.
  const expiration = Math.max(1, Math.floor((delivery.expiresAt ?? now + keepMs) / 1000));
  const headers: Record<string, string> = {
    'apns-push-type': isVisible ? 'alert' : 'background',
    // A background push must have 5; 10 is for pushes that light up the screen. The notification's own priority decides only how long
    // it waits.
    'apns-priority': isVisible ? '10' : '5',
    'apns-id': id,
    'apns-expiration': String(expiration),
    'apns-collapse-id': collapseId(id, delivery, content.cid),
  };
  if (topic !== undefined) headers['apns-topic'] = topic;
  return { headers, body: apnsBody(delivery, content) };
}

/** The same UUID for every attempt (RFC 9562, version 8), also if the delivery's id is not a UUID. */
export function apnsId(deliveryId: string): string {
  const hex = hash('sha256', deliveryId, 'hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/**
 * The id under which a push replaces earlier pushes on the device. It is equal for pushes of which only the newest counts, for
 * pushes about the same item, and for a push that is repeated after a lost answer. A key is hashed, because Apple accepts at most
 * 64 bytes.
 */
function collapseId(apnsId: string, { topic, collapseKey }: Delivery, cid: string | undefined): string {
  const thing = collapseKey ?? (cid === undefined ? undefined : `${topic}\n${cid}`);
  return thing === undefined ? apnsId : hash('sha256', thing, 'base64url');
}

/** The JSON of a push, at most 4096 bytes: fields for the app are left out first, then the texts are cut. */
export function apnsBody(delivery: Delivery, content: PushContent): string {
  const data = appData(delivery, content);
  const areSmall = fieldsThatFit(data, maxBodyBytes).length === data.length;
  const whole = areSmall ? json(content, data) : undefined;
  return whole !== undefined && isWithinBytes(whole, maxBodyBytes) ? whole : shortened(content, data);
}

/** The JSON of a push. node-apn writes the names of Apple's fields. */
function json({ title, body, badge, sound, category, cid }: PushContent, data: readonly [string, unknown][]): string {
  const isVisible = title !== undefined || body !== undefined;
  const fields = Object.fromEntries(data);
  const payload = cid === undefined ? { namespace: '/', ...fields } : { cid, namespace: '/', ...fields };
  const aps = isVisible
    ? { alert: { title, body }, badge, sound, category, payload }
    : { contentAvailable: true, payload };
  return JSON.stringify(new Notification(aps));
}

/**
 * The fields for the app in addition to `cid`. If the operator chose fields, these are sent. Otherwise, all fields of the
 * producer are sent, or only `count` if there is a `cid`, because the original sends only `cid`.
 */
function appData({ payload }: Delivery, { data, cid }: PushContent): [string, unknown][] {
  const sent = data === payload ? [] : Object.keys(payload).slice(0, maxDataFields);
  const isChosen = sent.some((key) => !Object.hasOwn(data, key));
  const names = isChosen || cid === undefined ? Object.keys(data) : ['count'];
  return names
    .filter((key) => Object.hasOwn(data, key) && !ownKeys.has(key))
    .map((key): [string, unknown] => [key, data[key]]);
}

function shortened(content: PushContent, data: readonly [string, unknown][]): string {
  const { cid, title, body, ...rest } = content;
  const named = cid === undefined || jsonBytes(cid) > maxCidBytes ? rest : { ...rest, cid };
  const texts = { ...(title !== undefined && { title }), ...(body !== undefined && { body }) };
  const room = maxBodyBytes - bytesWithoutTexts(named, texts);
  const left = room - jsonBytes(title ?? '') - jsonBytes(body ?? '');
  if (left < 0) return json({ ...named, ...cutTexts(texts, room, jsonBytes) }, []);
  return json({ ...named, ...texts }, fieldsThatFit(data, left));
}

/** The bytes of a push without its texts. It is measured with texts of one character, because node-apn leaves out empty texts. */
function bytesWithoutTexts(named: PushContent, { title, body }: Texts): number {
  const placeholders = { ...(title !== undefined && { title: 't' }), ...(body !== undefined && { body: 'b' }) };
  return Buffer.byteLength(json({ ...named, ...placeholders }, [])) - Object.keys(placeholders).length;
}
