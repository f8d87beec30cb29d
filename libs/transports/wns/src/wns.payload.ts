import { createHash } from 'node:crypto';
import { cutTexts, isWithinBytes, jsonBytes, type PushContent, type Texts, utf8Bytes } from '@pns/payloads';
import type { Delivery } from '@pns/transport-contract';
import type { WnsOptions, WnsType } from './wns.options';
import { legalXml, xmlText } from './wns.xml';

/** One push as it is sent to a channel. */
export interface WnsPush {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** WNS refuses a longer body: see status 413 on the page that `wnsPush` names. */
export const maxBodyBytes = 5000;

/** A longer `cid`, the name of the item to open, is left out, because an app cannot use a part of it. */
const maxCidBytes = 1024;

/** Source: https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/wns-notification-priorities */
const priorities = { high: '1', medium: '2', low: '3' } as const;

/**
 * The push for a delivery at `now` (ms since the epoch). A push without texts is sent as a raw push, which the app receives.
 * Source of the headers and the limit:
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-request-response-headers
 */
export function wnsPush(
  delivery: Delivery,
  content: PushContent,
  { type }: Pick<WnsOptions, 'type'>,
  now: number,
): WnsPush {
  const shown = hasSomethingFor(type, content) ? type : 'raw';
  const { expiresAt } = delivery;
  return {
    headers: {
      'Content-Type': shown === 'raw' ? 'application/octet-stream' : 'text/xml',
      'X-WNS-Type': `wns/${shown}`,
      // Makes WNS report whether it dropped the push because the device is away. Such a push is retried.
      'X-WNS-RequestForStatus': 'true',
      ...(expiresAt !== undefined && { 'X-WNS-TTL': String(Math.max(1, Math.ceil((expiresAt - now) / 1000))) }),
      ...typeHeaders(shown, delivery),
    },
    body: bodies[shown](delivery, content),
  };
}

function hasSomethingFor(type: WnsType, { title, body, badge }: PushContent): boolean {
  return type === 'badge' ? badge !== undefined : title !== undefined || body !== undefined;
}

/** The headers that apply to the type only. With any other header, WNS reports a conflict. */
function typeHeaders(type: WnsType, delivery: Delivery): Record<string, string> {
  // Without this header, WNS drops a raw push to a device that is away. It keeps the other types anyway.
  if (type === 'raw') return { 'X-WNS-Cache-Policy': 'cache' };
  const priority = { 'X-WNS-PRIORITY': priorities[delivery.priority] };
  if (type === 'badge') return priority;
  const group = wnsGroup(delivery.topic);
  return {
    ...priority,
    'X-WNS-Tag': wnsTag(delivery),
    ...(type === 'toast' && group !== '' && { 'X-WNS-Group': group }),
  };
}

/**
 * The tag is the same for every attempt, so that a repeated push replaces the first one. If only the newest notification of a
 * kind counts, its push replaces earlier pushes, too.
 */
export function wnsTag({ id, collapseKey = id }: Pick<Delivery, 'id' | 'collapseKey'>): string {
  return createHash('sha256').update(collapseKey).digest('hex').slice(0, 16);
}

/** The group by which an app can distinguish the toasts of a topic: `oxmailnew` for `ox:mail:new`. */
export function wnsGroup(topic: string): string {
  return topic.replace(/[^A-Za-z0-9]/g, '').slice(0, 16);
}

const bodies: Readonly<Record<WnsType, (delivery: Delivery, content: PushContent) => string>> = {
  toast: toastXml,
  tile: (_, content) => textsXml(content, 2, tileXml),
  badge: (_, { badge = 0 }) => `<badge value="${badge}"/>`,
  raw: rawJson,
};

/** Source: https://learn.microsoft.com/windows/apps/develop/notifications/app-notifications/toast-schema */
function toastXml({ timestamp }: Delivery, content: PushContent): string {
  const { cid } = content;
  const isNamed = cid !== undefined && Buffer.byteLength(cid) <= maxCidBytes;
  const launch = isNamed ? ` launch="${xmlText(new URLSearchParams({ cid: legalXml(cid) }).toString())}"` : '';
  const shownTime = new Date(timestamp).toISOString();
  return textsXml(
    content,
    1,
    (elements) =>
      `<toast${launch} displayTimestamp="${shownTime}"><visual>${binding('ToastGeneric', elements)}</visual></toast>`,
  );
}

/** Source: https://learn.microsoft.com/windows/uwp/launch-resume/adaptive-tiles-schema */
function tileXml(elements: string): string {
  return `<tile><visual>${binding('TileMedium', elements)}${binding('TileWide', elements)}</visual></tile>`;
}

function binding(template: string, elements: string): string {
  return `<binding template="${template}">${elements}</binding>`;
}

/** Fills the texts into `around`, which contains the elements `times` times. Texts that do not fit are cut. */
function textsXml(content: PushContent, times: number, around: (elements: string) => string): string {
  const xml = (texts: readonly string[]): string => around(texts.map((text) => `<text>${text}</text>`).join(''));
  const texts = legalTexts(content);
  const room = maxBodyBytes - Buffer.byteLength(xml(Object.values(texts).map(() => '')));
  const { title, body } = cutTexts(texts, room, (text) => times * utf8Bytes(xmlText(text)));
  return xml([title, body].flatMap((text) => (text === undefined ? [] : [xmlText(text)])));
}

/** The texts without characters that XML 1.0 does not allow. Empty texts are left out. */
function legalTexts({ title, body }: PushContent): Texts {
  const [legalTitle, legalBody] = [title, body].map((text = '') => legalXml(text));
  return { ...(legalTitle && { title: legalTitle }), ...(legalBody && { body: legalBody }) };
}

/** The JSON of a raw push. If the whole does not fit, it contains no data, and its texts are cut. */
function rawJson({ id, topic, timestamp }: Delivery, { title, body, badge, cid, data }: PushContent): string {
  const about = { id, topic, timestamp };
  const whole = JSON.stringify({ ...about, cid, title, body, badge, data });
  if (isWithinBytes(whole, maxBodyBytes)) return whole;
  const named = cid === undefined || jsonBytes(cid) > maxCidBytes ? about : { ...about, cid };
  const json = (texts: Texts): string => JSON.stringify({ ...named, ...texts, badge, truncated: true });
  const texts = { ...(title && { title }), ...(body && { body }) };
  const room = maxBodyBytes - Buffer.byteLength(json({ ...(title && { title: '' }), ...(body && { body: '' }) }));
  return json(cutTexts(texts, room, jsonBytes));
}
