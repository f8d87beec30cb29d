import { hash } from 'node:crypto';
import { Notification } from '@parse/node-apn';
import type { PushContent } from '@pns/payloads';
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

/** Where data and texts do not fit together, the texts keep so many bytes at least. */
const textBytes = 1024;

/** A name of what to open that is longer than this is left out: an app can do nothing with half of one. */
const maxCidBytes = 1024;

/** Keys of the payload that are not the producer's to set. */
const ownKeys: ReadonlySet<string> = new Set(['aps', 'cid', 'namespace']);

type Json = Readonly<Record<string, unknown>>;

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

/** The JSON of a push: at most 4096 bytes, if need be by shortening the body, then the title, and leaving out data. */
export function apnsBody(delivery: Delivery, content: PushContent): string {
  const whole = json(content, appData(delivery, content));
  return fits(whole) ? whole : shortened(delivery, content);
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
  const isChosen = data !== payload && Object.keys(payload).some((key) => !Object.hasOwn(data, key));
  const names = isChosen || cid === undefined ? Object.keys(data) : ['count'];
  return names
    .filter((key) => Object.hasOwn(data, key) && !ownKeys.has(key))
    .map((key): [string, unknown] => [key, data[key]]);
}

function shortened(delivery: Delivery, content: PushContent): string {
  const { cid, title, body, ...rest } = content;
  const named = cid === undefined || Buffer.byteLength(JSON.stringify(cid)) > maxCidBytes ? rest : { ...rest, cid };
  const told = dataThatFits(named, { title, body }, appData(delivery, content));
  const withText = (text: Json): string => json({ ...named, ...text }, told);
  const withBody = title === undefined ? {} : { title };
  if (body !== undefined) {
    const cut = longest(body, (start) => fits(withText({ ...withBody, body: start })));
    if (cut !== undefined) return withText({ ...withBody, body: cut });
  }
  if (title !== undefined) {
    const cut = longest(title, (start) => fits(withText({ title: start })));
    if (cut !== undefined) return withText({ title: cut });
  }
  return withText({});
}

/** The fields that there is room for, in their order; one that is too large does not keep out those after it. */
function dataThatFits(
  named: PushContent,
  text: { title: string | undefined; body: string | undefined },
  data: readonly [string, unknown][],
): [string, unknown][] {
  const wanted = Buffer.byteLength(JSON.stringify(text));
  let room =
    maxBodyBytes - Buffer.byteLength(json({ ...named, title: '', body: '' }, [])) - Math.min(wanted, textBytes);
  return data.filter(([key, value]) => {
    const bytes = Buffer.byteLength(JSON.stringify({ [key]: value }));
    if (bytes > room) return false;
    room -= bytes;
    return true;
  });
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** The longest start of `text` that fits with a `…` behind it, by whole characters as people see them; the whole where that fits. */
function longest(text: string, isFitting: (start: string) => boolean): string | undefined {
  if (isFitting(text)) return text;
  // No more than this can fit, and to take a long text apart would take long.
  const considered = text.slice(0, maxBodyBytes);
  // Asked for one character at a time: to list all of them takes Node a hundred times as long.
  const characters = graphemes.segment(considered);
  const cutBefore = (index: number): string => considered.slice(0, characters.containing(index)?.index ?? index);
  let [low, high] = [0, considered.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isFitting(`${cutBefore(middle)}…`)) low = middle;
    else high = middle - 1;
  }
  const cut = cutBefore(low);
  return cut === '' ? undefined : `${cut}…`;
}

function fits(body: string): boolean {
  // Every UTF-16 unit is one to three bytes, so most bodies need no counting.
  return body.length * 3 <= maxBodyBytes || Buffer.byteLength(body) <= maxBodyBytes;
}
