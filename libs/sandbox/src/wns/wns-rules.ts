import { SaxesParser } from 'saxes';

export const maxPayloadBytes = 5000;

const types = ['wns/toast', 'wns/tile', 'wns/badge', 'wns/raw'] as const;
type Type = (typeof types)[number];

const alphanumeric = /^[A-Za-z0-9]{1,16}$/;

/** The valid values of each header, and the types of push that may have the header. */
const optional: Readonly<Record<string, { readonly value: RegExp; readonly for: readonly Type[] }>> = {
  'x-wns-cache-policy': { value: /^(?:cache|no-cache)$/, for: ['wns/tile', 'wns/badge', 'wns/raw'] },
  'x-wns-requestforstatus': { value: /^(?:true|false)$/, for: types },
  // Windows identifies a toast in the action center by tag and group. Badges and raw notifications replace nothing.
  'x-wns-tag': { value: alphanumeric, for: ['wns/toast', 'wns/tile'] },
  'x-wns-group': { value: alphanumeric, for: ['wns/toast'] },
  'x-wns-ttl': { value: /^\d{1,10}$/, for: types },
  'x-wns-priority': { value: /^[1-4]$/, for: types },
};

/**
 * The fault in the headers of a push to a Windows channel; undefined if there is none. Sources:
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-request-response-headers and
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/wns-notification-priorities
 */
export function headerFault(headers: Readonly<Record<string, string>>): string | undefined {
  const type = types.find((name) => name === headers['x-wns-type']);
  if (type === undefined) return 'X-WNS-Type is none of wns/toast, wns/tile, wns/badge and wns/raw';
  const contentType = type === 'wns/raw' ? 'application/octet-stream' : 'text/xml';
  if (headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== contentType) {
    return `Content-Type is not ${contentType}`;
  }
  if (headers['transfer-encoding'] !== undefined) return 'Transfer-Encoding is not supported';
  if (!/^[1-9]\d*$/.test(headers['content-length'] ?? '')) return 'Content-Length is missing or 0';
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('x-wns-') || name === 'x-wns-type') continue;
    const rule = optional[name];
    if (rule === undefined) return `${name} is not a header of a push to a Windows channel`;
    if (!rule.value.test(value)) return `${name} has a value that it cannot have`;
    if (!rule.for.includes(type)) return `${name} does not apply to ${type}`;
  }
  return undefined;
}

/** The content that a device shows. */
export interface Shown {
  /** The texts of a toast or tile, of its first binding. */
  readonly texts: readonly string[];
  readonly badge?: string;
  /** The launch argument of the app when a toast is tapped. */
  readonly launch?: string;
}

/**
 * The content that a device shows for a payload. WNS accepts any payload, but a device discards a payload that it cannot parse;
 * for such a payload this throws an error with the reason. A raw payload belongs to the app and shows nothing.
 */
export function shownOf(type: string | undefined, payload: string): Shown {
  if (type === 'wns/raw') return { texts: [] };
  const root = type?.slice('wns/'.length);
  const texts: string[] = [];
  const path: string[] = [];
  let bindings = 0;
  let first: Readonly<Record<string, string>> = {};
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (path.push(name) === 1) {
      if (name !== root) throw new Error(`The root is ${name} and not ${root}.`);
      first = attributes;
    }
    if (name === 'binding') bindings++;
    if (name === 'text' && bindings === 1) texts.push('');
  });
  parser.on('text', (text) => {
    if (path.at(-1) === 'text' && bindings === 1) texts.push(`${texts.pop() ?? ''}${text}`);
  });
  parser.on('closetag', () => void path.pop());
  parser.write(payload).close();
  if (root === 'badge') {
    const { value } = first;
    if (!/^(?:\d+|[a-zA-Z]+)$/.test(value ?? '')) throw new Error('The badge has no value.');
    return { texts: [], badge: value ?? '' };
  }
  if (bindings === 0) throw new Error('There is no binding, so nothing would be shown.');
  return { texts, ...(first['launch'] !== undefined && { launch: first['launch'] }) };
}
