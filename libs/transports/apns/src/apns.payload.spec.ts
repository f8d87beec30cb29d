import { pushContent, type PushContent, type PushStyle } from '@pns/payloads';
import type { Delivery } from '@pns/transport-contract';
import fc from 'fast-check';
import { apnsBody, apnsId, apnsPush, maxBodyBytes } from './apns.payload';

const now = Date.UTC(2026, 0, 5, 12, 0, 0);

const deliveryOf = (changes: Partial<Delivery> = {}): Delivery => ({
  id: 'Jx3nZ2mOYwQm0oUqg5f7tF1rX1s',
  notificationId: 'n',
  context: 1,
  user: 14,
  client: 'mail',
  transport: 'apns',
  token: 'a1'.repeat(32),
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
  timestamp: now,
  dueAt: now,
  attempt: 1,
  ...changes,
});

const usual: PushStyle = { hasBadge: true, sound: 'default' };
const pushOf = (delivery: Delivery, style: PushStyle = usual) =>
  apnsPush(delivery, pushContent(delivery, style), 'com.example.mail', now);
const bodyOf = (delivery: Delivery, style?: PushStyle): unknown => JSON.parse(pushOf(delivery, style).body);

describe('the body', () => {
  it('of a new mail is the original’s', () => {
    expect(pushOf(deliveryOf()).body).toBe(
      '{"cid":"default0/INBOX/113","namespace":"/","aps":{"alert":{"title":"Let\'s meet","body":"Jane Doe\\nLet\'s meet"},"badge":83,"sound":"default","category":"new-message-category"}}',
    );
  });

  it('of several collected mails says how many', () => {
    expect(bodyOf(deliveryOf({ count: 3 }))).toEqual({
      aps: {
        alert: { title: "(3) Let's meet", body: "Jane Doe\nLet's meet" },
        badge: 83,
        sound: 'default',
        category: 'new-message-category',
      },
      cid: 'default0/INBOX/113',
      namespace: '/',
      count: 3,
    });
  });

  it('of a mail of which only the folder is known is silent', () => {
    expect(bodyOf(deliveryOf({ payload: { folder: 'default0/INBOX' } }))).toEqual({
      aps: { 'content-available': 1 },
      cid: 'default0/INBOX',
      namespace: '/',
    });
  });

  it('of a calendar update is silent and tells what was updated', () => {
    const payload = { folders: ['cal://0/31'], needsAction: [{ folderId: 'cal://0/31', id: '2' }] };
    expect(bodyOf(deliveryOf({ topic: 'ox:calendar:updates', payload }))).toEqual({
      aps: { 'content-available': 1 },
      namespace: '/',
      ...payload,
    });
  });

  it('of another topic shows its templates and tells the chosen fields', () => {
    const payload = { by: 'Jane', room: 7, secret: 'x', aps: 'evil', cid: 'room/7', namespace: '/evil' };
    const style = { ...usual, title: '{{by}}', body: 'in {{room}}', dataFields: ['room', 'aps', 'namespace'] };
    expect(bodyOf(deliveryOf({ topic: 'chat:message', payload }), style)).toEqual({
      aps: { alert: { title: 'Jane', body: 'in 7' }, sound: 'default' },
      cid: 'room/7',
      namespace: '/',
      room: 7,
    });
  });

  it('of a mail tells more where an operator chose fields', () => {
    expect(bodyOf(deliveryOf(), { ...usual, dataFields: ['teaser'] })).toMatchObject({ teaser: 'Hello' });
  });

  it('takes __proto__ for a key like any other', () => {
    const payload = JSON.parse('{"__proto__":{"x":1}}') as Record<string, unknown>;
    expect(pushOf(deliveryOf({ topic: 'a:b', payload })).body).toContain('"__proto__":{"x":1}');
  });
});

describe('the headers', () => {
  it('of what is shown', () => {
    expect(pushOf(deliveryOf({ expiresAt: now + 3_600_500 })).headers).toEqual({
      'apns-topic': 'com.example.mail',
      'apns-push-type': 'alert',
      'apns-priority': '10',
      'apns-id': apnsId('Jx3nZ2mOYwQm0oUqg5f7tF1rX1s'),
      'apns-expiration': String(now / 1000 + 3600),
      'apns-collapse-id': expect.stringMatching(/^[\w-]{43}$/) as string,
    });
  });

  it('of what is silent', () => {
    expect(pushOf(deliveryOf({ payload: {} })).headers).toMatchObject({
      'apns-push-type': 'background',
      'apns-priority': '5',
    });
  });

  it.each(['high', 'medium', 'low'] as const)(
    'of what is shown ask for it at once, with a priority of %s too',
    (priority) => {
      expect(pushOf(deliveryOf({ priority })).headers['apns-priority']).toBe('10');
    },
  );

  it('without a time to live ask Apple to keep the push for a day, and never for no time at all', () => {
    expect(pushOf(deliveryOf()).headers['apns-expiration']).toBe(String(now / 1000 + 86_400));
    expect(pushOf(deliveryOf({ expiresAt: 1 })).headers['apns-expiration']).toBe('1');
  });

  it('name no topic where there is none', () => {
    expect(apnsPush(deliveryOf(), pushContent(deliveryOf(), usual), undefined, now).headers).not.toHaveProperty(
      'apns-topic',
    );
  });

  it('let pushes about the same thing replace each other, and no others', () => {
    const idOf = (changes: Partial<Delivery>): string => pushOf(deliveryOf(changes)).headers['apns-collapse-id'] ?? '';
    const mail = idOf({});
    expect(idOf({ id: 'another' })).toBe(mail);
    expect(idOf({ topic: 'ox:mail:read' })).not.toBe(mail);
    expect(idOf({ payload: { folder: 'default0/INBOX', id: '114' } })).not.toBe(mail);
    expect(idOf({ payload: {} })).toBe(idOf({ payload: { a: 1 }, attempt: 2 }));
    expect(idOf({ payload: {} })).not.toBe(idOf({ payload: {}, id: 'another' }));
    const collapseKey = 'ox:mail:new inbox';
    expect(idOf({ collapseKey })).toBe(idOf({ collapseKey, id: 'another', payload: {} }));
    expect(idOf({ collapseKey })).not.toBe(mail);
  });
});

it('a delivery has one UUID, whatever its id looks like', () => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  fc.assert(
    fc.property(fc.string(), (id) => {
      expect(apnsId(id)).toMatch(uuid);
      expect(apnsId(id)).toBe(apnsId(id));
    }),
  );
  expect(apnsId('a')).not.toBe(apnsId('b'));
});

describe('what is too long', () => {
  const unit = fc.constantFrom('a', 'ß', '→', '👋', '👨‍👩‍👧‍👦', 'e\u0301', '"', '\\', '\n', '\u0000', '🇩🇪', '\ud800');
  const long = fc.tuple(unit, fc.array(unit, { maxLength: 5 }), fc.nat(2500)).map(([one, others, times]) => {
    return `${others.join('')}${one.repeat(times)}${others.join('')}`;
  });
  const content: fc.Arbitrary<PushContent> = fc.record(
    {
      title: long,
      body: long,
      badge: fc.nat(),
      sound: fc.string({ maxLength: 64 }),
      category: fc.constantFrom(undefined, 'new-message-category'),
      cid: long,
      data: fc.dictionary(fc.string({ maxLength: 20 }), fc.oneof(long, fc.integer(), fc.jsonValue()), { maxKeys: 5 }),
    },
    { requiredKeys: ['data'] },
  );

  interface Body {
    aps: { alert?: { title?: string; body?: string } };
    cid?: string;
  }

  const characters = new Intl.Segmenter('en', { granularity: 'grapheme' });
  const isWholeStart = (cut: string, whole: string): boolean => {
    if (cut === whole) return true;
    if (!cut.endsWith('…')) return false;
    const start = cut.slice(0, -1);
    const ends = new Set([...characters.segment(whole)].map(({ index }) => index));
    return whole.startsWith(start) && ends.has(start.length);
  };

  it('fits after it was cut, and no character was broken', () => {
    fc.assert(
      fc.property(content, (given) => {
        const text = apnsBody(deliveryOf({ payload: given.data }), given);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBodyBytes);
        const { aps, cid } = JSON.parse(text) as Body;
        if (aps.alert?.body !== undefined) expect(isWholeStart(aps.alert.body, given.body ?? '')).toBe(true);
        if (aps.alert?.title !== undefined) expect(isWholeStart(aps.alert.title, given.title ?? '')).toBe(true);
        expect([undefined, given.cid]).toContain(cid);
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['a', 1],
    ['ß', 2],
    ['→', 3],
    ['👋', 4],
    ['\n', 2],
  ])('body of %j is cut where the last one fits', (character, bytes) => {
    const given: PushContent = { title: 'T', body: character.repeat(5000), data: {} };
    const left = maxBodyBytes - Buffer.byteLength(apnsBody(deliveryOf(), given));
    expect(left).toBeGreaterThanOrEqual(0);
    expect(left).toBeLessThan(bytes);
    expect(JSON.parse(apnsBody(deliveryOf(), given))).toMatchObject({ aps: { alert: { title: 'T' } } });
  });

  it('is cut in the body first, then in the title', () => {
    const given: PushContent = { title: 't'.repeat(5000), body: 'b'.repeat(5000), data: {} };
    const { aps } = JSON.parse(apnsBody(deliveryOf(), given)) as Body;
    expect(aps.alert?.body).toBeUndefined();
    expect(aps.alert?.title).toMatch(/^t{4000,}…$/);
  });

  it('leaves out fields that do not fit, and keeps the ones that do', () => {
    const data = { first: 1, large: 'x'.repeat(5000), last: 'z' };
    const given: PushContent = { title: 'T', body: 'B', data };
    expect(JSON.parse(apnsBody(deliveryOf({ payload: data }), given))).toEqual({
      aps: { alert: { title: 'T', body: 'B' } },
      namespace: '/',
      first: 1,
      last: 'z',
    });
  });

  it('of a cid is left out whole', () => {
    const given: PushContent = { title: 'T', cid: 'c'.repeat(5000), data: {} };
    expect(JSON.parse(apnsBody(deliveryOf(), given))).toEqual({ aps: { alert: { title: 'T' } }, namespace: '/' });
  });
});
