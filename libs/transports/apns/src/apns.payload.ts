import { hash } from 'node:crypto';
import { Notification } from '@parse/node-apn';
import { cutTexts, jsonBytes, maxDataFields, type PushContent, type Texts } from '@pns/payloads';
import type { Delivery } from '@pns/transport-contract';

/** One push as it goes to Apple. */
export interface ApnsPush {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Apple refuses a longer one: https://developer.apple.com/documentation/usernotifications/generating-a-remote-notification */
export const maxBodyBytes = 4096;

/** Without a time to live Apple keeps a push so long for a device that is away; as long as the original asked for. */
const keepMs = 24 * 60 * 60 * 1000;

/** A longer name of the thing to open is left out: an app can do nothing with half of one. */
const maxCidBytes = 1024;

/** Keys of the payload that are not the producer's to set. */
const ownKeys: ReadonlySet<string> = new Set(['aps', 'cid', 'namespace']);

/**
 * The push for a delivery at `now` (ms since the epoch). Sources: "Sending notification requests to APNs" for the headers,
 * https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
 */
export function apnsPush(delivery: Delivery, content: PushContent, topic: string | undefined, now: number): ApnsPush {
  const isVisible = content.title !== undefined || content.body !== undefined;
  const id = apnsId(delivery.id);
  // 0 would mean: try once, and do not keep it.
  const expiration = Math.max(1, Math.floor((delivery.expiresAt ?? now + keepMs) / 1000));
  const headers: Record<string, string> = {
    'apns-push-type': isVisible ? 'alert' : 'background',
    // A background push must have 5; 10 is for what lights up a screen. How long a notification waited is its own priority's.
    'apns-priority': isVisible ? '10' : '5',
    'apns-id': id,
    'apns-expiration': String(expiration),
    'apns-collapse-id': collapseId(id, delivery, content.cid),
  };
  if (topic !== undefined) headers['apns-topic'] = topic;
  return { headers, body: apnsBody(delivery, content) };
}

/** The same UUID for every attempt (RFC 9562, version 8), also where the delivery's id is none. */
export function apnsId(deliveryId: string): string {
  const hex = hash('sha256', deliveryId, 'hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/**
 * Where only the newest of a kind counts, it replaces those before it. Pushes about one and the same thing replace each other on the device, and a push that an attempt repeats, because the
 * answer to an earlier one got lost, is shown once. A hash, because Apple takes 64 bytes.
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
  return whole !== undefined && fits(whole) ? whole : shortened(content, data);
}

/** node-apn knows what Apple calls the fields. */
function json({ title, body, badge, sound, category, cid }: PushContent, data: readonly [string, unknown][]): string {
  const isVisible = title !== undefined || body !== undefined;
  const aps = isVisible ? { alert: { title, body }, badge, sound, category } : { contentAvailable: true };
  const payload = { ...(cid === undefined ? {} : { cid }), namespace: '/', ...Object.fromEntries(data) };
  return JSON.stringify(new Notification({ ...aps, payload }));
}

/**
 * What the app is told beside `cid`, which is all that the original tells: the fields that an operator chose, or, where no
 * `cid` says what happened, whatever the producer sent.
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

/** Two characters stand for two texts: node-apn leaves out what is empty. */
function bytesWithoutTexts(named: PushContent, { title, body }: Texts): number {
  const placeholders = { ...(title !== undefined && { title: 't' }), ...(body !== undefined && { body: 'b' }) };
  return Buffer.byteLength(json({ ...named, ...placeholders }, [])) - Object.keys(placeholders).length;
}

/** The fields for which `room` bytes suffice, in their order; one that is too large does not keep out those after it. */
function fieldsThatFit(fields: readonly [string, unknown][], room: number): [string, unknown][] {
  let left = room;
  return fields.filter(([key, value]) => {
    // Quotes, colon and comma of the field, less the brackets. In a list, undefined has JSON too.
    const bytes = jsonBytes(key) + 4 + Buffer.byteLength(JSON.stringify([value])) - 2;
    if (bytes > left) return false;
    left -= bytes;
    return true;
  });
}

function fits(body: string): boolean {
  // Every UTF-16 unit is one to three bytes, so most bodies need no counting.
  return body.length * 3 <= maxBodyBytes || Buffer.byteLength(body) <= maxBodyBytes;
}
