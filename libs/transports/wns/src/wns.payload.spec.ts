import { type PushContent, pushContent } from '@pns/payloads';
import type { Delivery } from '@pns/transport-contract';
import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import type { WnsType } from './wns.options';
import { maxBodyBytes, wnsGroup, wnsPush, wnsTag } from './wns.payload';
import { xmlText } from './wns.xml';

const now = Date.UTC(2026, 0, 5, 12, 0, 0);

const delivery: Delivery = {
  id: 'IGRfbWVzc2FnZSBvZiB0aGUgZGF5',
  notificationId: 'n-1',
  subscriptionId: 's-1',
  context: 1,
  user: 14,
  client: 'desktop',
  transport: 'wns',
  token: 'https://db5p.notify.windows.com/w/?token=1',
  topic: 'ox:mail:new',
  payload: {
    folder: 'default0/INBOX',
    id: '113',
    email: 'jane.doe@example.com',
    displayname: 'Jane Doe',
    subject: "Let's meet",
    unread: 83,
    teaser: 'Hello',
  },
  priority: 'high',
  count: 1,
  timestamp: now - 2000,
  dueAt: now - 1000,
  attempt: 1,
};

const calendar: Partial<Delivery> = { topic: 'ox:calendar:updates', payload: { folders: ['cal://0/31'] } };

const push = (type: WnsType, given: Partial<Delivery> = {}, style: { title?: string } = {}) => {
  const made = { ...delivery, ...given };
  const content = pushContent(made, { hasBadge: true, ...style });
  if ('kind' in content) throw new Error(content.reason);
  return wnsPush(made, content, { type }, now);
};

interface Parsed {
  readonly elements: readonly string[];
  readonly texts: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
}

/** The result of a strict XML parser for `xml`. */
function parsed(xml: string): Parsed {
  const elements: string[] = [];
  const texts: string[] = [];
  const attributes: Record<string, string> = {};
  let text = '';
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', (tag) => {
    elements.push(tag.name);
    for (const [name, value] of Object.entries(tag.attributes)) attributes[`${tag.name}.${name}`] = String(value);
    text = '';
  });
  parser.on('text', (chunk) => (text += chunk));
  parser.on('closetag', ({ name }) => name === 'text' && texts.push(text));
  parser.write(xml).close();
  return { elements, texts, attributes };
}

describe('a push', () => {
  it('of a mail as a toast has the expected headers and body', () => {
    expect(push('toast')).toEqual({
      headers: {
        'Content-Type': 'text/xml',
        'X-WNS-Type': 'wns/toast',
        'X-WNS-RequestForStatus': 'true',
        'X-WNS-PRIORITY': '1',
        'X-WNS-Tag': wnsTag(delivery),
        'X-WNS-Group': 'oxmailnew',
      },
      body:
        '<toast launch="cid=default0%2FINBOX%2F113" displayTimestamp="2026-01-05T11:59:58.000Z"><visual>' +
        '<binding template="ToastGeneric"><text>Let&apos;s meet</text><text>Jane Doe&#10;Let&apos;s meet</text></binding>' +
        '</visual></toast>',
    });
  });

  it('of collected mails contains their number', () => {
    expect(parsed(push('toast', { count: 3 }).body).texts).toEqual(["(3) Let's meet", "Jane Doe\nLet's meet"]);
  });

  it('of a mail as a tile has the expected headers and body', () => {
    const elements = '<text>Let&apos;s meet</text><text>Jane Doe&#10;Let&apos;s meet</text>';
    expect(push('tile', { priority: 'low', expiresAt: now + 60_500 })).toEqual({
      headers: {
        'Content-Type': 'text/xml',
        'X-WNS-Type': 'wns/tile',
        'X-WNS-RequestForStatus': 'true',
        'X-WNS-TTL': '61',
        'X-WNS-PRIORITY': '3',
        'X-WNS-Tag': wnsTag(delivery),
      },
      body: `<tile><visual><binding template="TileMedium">${elements}</binding><binding template="TileWide">${elements}</binding></visual></tile>`,
    });
  });

  it('of a mail as a badge has the expected headers and body', () => {
    expect(push('badge', { priority: 'medium' })).toEqual({
      headers: {
        'Content-Type': 'text/xml',
        'X-WNS-Type': 'wns/badge',
        'X-WNS-RequestForStatus': 'true',
        'X-WNS-PRIORITY': '2',
      },
      body: '<badge value="83"/>',
    });
  });

  it('of a mail as a raw push has the expected headers and body', () => {
    const { headers, body } = push('raw');
    expect(headers).toEqual({
      'Content-Type': 'application/octet-stream',
      'X-WNS-Type': 'wns/raw',
      'X-WNS-RequestForStatus': 'true',
      'X-WNS-Cache-Policy': 'cache',
    });
    expect(JSON.parse(body)).toEqual({
      id: delivery.id,
      topic: 'ox:mail:new',
      timestamp: delivery.timestamp,
      cid: 'default0/INBOX/113',
      title: "Let's meet",
      body: "Jane Doe\nLet's meet",
      badge: 83,
      data: delivery.payload,
    });
  });

  it.each<WnsType>(['toast', 'tile', 'badge', 'raw'])(
    'of a calendar update, which shows nothing, is a raw push for the type %s',
    (type) => {
      const { headers, body } = push(type, calendar);
      expect(headers).toMatchObject({ 'X-WNS-Type': 'wns/raw', 'Content-Type': 'application/octet-stream' });
      expect(JSON.parse(body)).toEqual({
        id: delivery.id,
        topic: 'ox:calendar:updates',
        timestamp: delivery.timestamp,
        data: calendar.payload,
      });
    },
  );

  it('of another topic is shown if it has a template', () => {
    const { headers, body } = push(
      'toast',
      { topic: 'acme:build:done', payload: { name: 'pns' } },
      { title: '{{name}} <b>' },
    );
    expect(headers).toMatchObject({ 'X-WNS-Type': 'wns/toast', 'X-WNS-Group': 'acmebuilddone' });
    expect(parsed(body)).toMatchObject({ texts: ['pns <b>'] });
    expect(body).not.toContain('launch');
  });
});

it('the shortest time to live of a push is a second', () => {
  expect(push('toast', { expiresAt: now + 1 }).headers).toMatchObject({ 'X-WNS-TTL': '1' });
  expect(push('toast', { expiresAt: now - 5000 }).headers).toMatchObject({ 'X-WNS-TTL': '1' });
});

it('pushes with the same collapse key have the same tag', () => {
  const tagOf = (more: object): string | undefined => push('toast', more).headers['X-WNS-Tag'];
  const collapseKey = 'ox:mail:new inbox';
  expect(tagOf({ id: 'd-1', collapseKey })).toBe(tagOf({ id: 'd-2', collapseKey }));
  expect(tagOf({ id: 'd-1', collapseKey })).not.toBe(tagOf({ id: 'd-1' }));
});

it('tag and group are alphanumeric and at most 16 characters long', () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ unit: 'grapheme' }), (id, topic) => {
      expect(wnsTag({ id })).toMatch(/^[A-Za-z0-9]{16}$/);
      expect(wnsGroup(topic)).toMatch(/^[A-Za-z0-9]{0,16}$/);
    }),
  );
  expect(push('toast', { topic: '_-_' }).headers).not.toHaveProperty('X-WNS-Group');
});

/** Any text: every code unit, including halves of surrogate pairs, control characters and the special characters of XML. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('<', '&', '>', '"', "'", ']]>', '\r\n', '\t', '\0', '\ud800', '\udc00', '👩‍👩‍👧', '\ufffe'),
  }),
);
const illegal = /[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

it('a strict XML parser returns any text unchanged, except for characters that XML does not allow', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const { texts, attributes } = parsed(`<a b="${xmlText(text)}"><text>${xmlText(text)}</text></a>`);
      expect(texts).toEqual([text.replace(illegal, '')]);
      expect(attributes['a.b']).toBe(text.replace(illegal, ''));
    }),
    { numRuns: 2000 },
  );
});

const longText = fc
  .tuple(anyText, fc.integer({ min: 0, max: 4000 }))
  .map(([text, times]) => text.repeat(times).slice(0, 70_000));
const anyContent: fc.Arbitrary<PushContent> = fc.record(
  {
    title: longText,
    body: longText,
    badge: fc.nat(),
    cid: longText,
    data: fc.dictionary(fc.string(), longText, { maxKeys: 3 }),
  },
  { requiredKeys: ['data'] },
);
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Whether `shown` is `text`, or was cut from it between two graphemes or inside a very long grapheme. */
function isCutFrom(text: string, shown: string): boolean {
  if (shown === text) return true;
  const start = shown.slice(0, -1);
  const cut = segmenter.segment(text.slice(0, 2 * maxBodyBytes)).containing(start.length);
  return text.startsWith(start) && (cut?.index === start.length || (cut?.segment.length ?? 0) > 100);
}

it('a push with any content has at most 5000 bytes, is well formed, and divides no grapheme', () => {
  fc.assert(
    fc.property(anyContent, fc.constantFrom<WnsType>('toast', 'tile', 'badge', 'raw'), (content, type) => {
      const { headers, body } = wnsPush(delivery, content, { type }, now);
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(maxBodyBytes);
      expect(body).not.toBe('');
      const hasText = [content.title, content.body].some((text = '') => text.replace(illegal, '') !== '');
      if (headers['X-WNS-Type'] === 'wns/raw') {
        const { title, body: text } = JSON.parse(body) as { title?: string; body?: string };
        expect(Boolean(title) || Boolean(text)).toBe(Boolean(content.title) || Boolean(content.body));
        return;
      }
      const { elements, texts } = parsed(body);
      expect(`wns/${elements[0]}`).toBe(headers['X-WNS-Type']);
      expect(texts.length > 0 || headers['X-WNS-Type'] === 'wns/badge').toBe(
        hasText || headers['X-WNS-Type'] === 'wns/badge',
      );
      const given = [content.title, content.body].map((text = '') => text.replace(illegal, ''));
      for (const shown of texts) expect(given.some((text) => isCutFrom(text, shown))).toBe(true);
    }),
    { numRuns: 150 },
  );
});

it.each<[string, PushContent, (string | RegExp)[]]>([
  ['a body that is too long is cut', { title: 'T', body: 'é'.repeat(4000), data: {} }, ['T', `${'é'.repeat(2425)}…`]],
  [
    'a title that is too long is cut, and the body keeps the sender',
    { title: '&'.repeat(5000), body: `Jane Doe\n${'&'.repeat(5000)}`, data: {} },
    [/^&{950,}…$/, 'Jane Doe…'],
  ],
  [
    'a title and a sender that are too long have half of the room each',
    { title: 's'.repeat(5000), body: `${'J'.repeat(5000)}\ns`, data: {} },
    [/^s{2300,}…$/, /^J{2300,}…$/],
  ],
  ['one huge grapheme is cut', { title: `a${'\u0301'.repeat(3000)}`, data: {} }, [/^a\u0301{2000,}…$/]],
])('%s', (_, content, expected) => {
  const { body } = wnsPush(delivery, content, { type: 'toast' }, now);
  expect(parsed(body).texts).toEqual(
    expected.map((text) => (typeof text === 'string' ? text : (expect.stringMatching(text) as string))),
  );
  expect(Buffer.byteLength(body)).toBeGreaterThan(maxBodyBytes - 16);
});

it('a tile, which contains its texts twice, contains as much of them as fits', () => {
  const { body } = wnsPush(delivery, { title: 'T', body: 'é'.repeat(4000), data: {} }, { type: 'tile' }, now);
  const [title, text = ''] = parsed(body).texts;
  expect(title).toBe('T');
  expect(text).toMatch(/^é{1100,}…$/);
});

it('a toast does not contain a cid that is too long for an argument', () => {
  const { body } = wnsPush(delivery, { title: 'T', cid: 'x'.repeat(1025), data: {} }, { type: 'toast' }, now);
  expect(body).not.toContain('launch');
});

it.each<[string, PushContent, string[]]>([
  [
    'the data',
    { title: 'T', cid: 'c', data: { x: 'x'.repeat(5000) } },
    ['id', 'topic', 'timestamp', 'cid', 'title', 'truncated'],
  ],
  [
    'a cid of 5 KB',
    { title: 'T', cid: 'c'.repeat(5000), data: {} },
    ['id', 'topic', 'timestamp', 'title', 'truncated'],
  ],
  ['a cid without texts', { cid: 'c'.repeat(5000), data: {} }, ['id', 'topic', 'timestamp', 'truncated']],
])('a raw push that is too long leaves out %s and has the field `truncated`', (_, content, keys) => {
  const { body } = wnsPush(delivery, content, { type: 'raw' }, now);
  expect(Object.keys(JSON.parse(body) as object)).toEqual(keys);
});

it('a raw push whose texts are too long contains as much of them as fits', () => {
  const content = { title: 's'.repeat(9000), body: `Jane Doe\n${'s'.repeat(9000)}`, cid: 'c', data: {} };
  expect(JSON.parse(wnsPush(delivery, content, { type: 'raw' }, now).body)).toMatchObject({
    title: expect.stringMatching(/^s{4000,}…$/) as string,
    body: 'Jane Doe…',
    cid: 'c',
    truncated: true,
  });
});
