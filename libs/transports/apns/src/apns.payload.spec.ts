import { pushContent, wellFormed, type PushContent, type PushStyle } from '@pns/payloads';
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
const contentOf = (delivery: Delivery, style: PushStyle = usual): PushContent => {
  const content = pushContent(delivery, style);
  if ('kind' in content) throw new Error(content.reason);
  return content;
};
const pushOf = (delivery: Delivery, style: PushStyle = usual) =>
  apnsPush(delivery, contentOf(delivery, style), 'com.example.mail', now);
const bodyOf = (delivery: Delivery, style?: PushStyle): unknown => JSON.parse(pushOf(delivery, style).body);

describe('the body', () => {
  it('of a new mail equals that of the original', () => {
    expect(pushOf(deliveryOf()).body).toBe(
      '{"cid":"default0/INBOX/113","namespace":"/","aps":{"alert":{"title":"Let\'s meet","body":"Jane Doe\\nLet\'s meet"},"badge":83,"sound":"default","category":"new-message-category"}}',
    );
  });

  it('of several collected mails contains their number', () => {
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

  it('of a mail without other data shows the folder', () => {
    expect(bodyOf(deliveryOf({ payload: { folder: 'default0/INBOX' } }))).toEqual({
      aps: { alert: { title: 'INBOX' }, sound: 'default' },
      cid: 'default0/INBOX',
      namespace: '/',
    });
  });

  it('of a calendar update shows nothing and contains the updated folders', () => {
    const payload = { folders: ['cal://0/31'], needsAction: [{ folderId: 'cal://0/31', id: '2' }] };
    expect(bodyOf(deliveryOf({ topic: 'ox:calendar:updates', payload }))).toEqual({
      aps: { 'content-available': 1 },
      namespace: '/',
      ...payload,
    });
  });

  it('of another topic contains its rendered templates and the configured fields', () => {
    const payload = { by: 'Jane', room: 7, secret: 'x', aps: 'evil', cid: 'room/7', namespace: '/evil' };
    const style = { ...usual, title: '{{by}}', body: 'in {{room}}', dataFields: ['room', 'aps', 'namespace'] };
    expect(bodyOf(deliveryOf({ topic: 'chat:message', payload }), style)).toEqual({
      aps: { alert: { title: 'Jane', body: 'in 7' }, sound: 'default' },
      cid: 'room/7',
      namespace: '/',
      room: 7,
    });
  });

  it('of a mail contains further fields if an operator configures them', () => {
    expect(bodyOf(deliveryOf(), { ...usual, dataFields: ['teaser'] })).toMatchObject({ teaser: 'Hello' });
  });

  it('contains a field with the name __proto__', () => {
    const payload = JSON.parse('{"__proto__":{"x":1}}') as Record<string, unknown>;
    expect(pushOf(deliveryOf({ topic: 'a:b', payload })).body).toContain('"__proto__":{"x":1}');
  });
});

describe('the headers', () => {
  it('of an alert name its topic, id, expiration and collapse id', () => {
    expect(pushOf(deliveryOf({ expiresAt: now + 3_600_500 })).headers).toEqual({
      'apns-topic': 'com.example.mail',
      'apns-push-type': 'alert',
      'apns-priority': '10',
      'apns-id': apnsId('Jx3nZ2mOYwQm0oUqg5f7tF1rX1s'),
      'apns-expiration': String(now / 1000 + 3600),
      'apns-collapse-id': expect.stringMatching(/^[\w-]{43}$/) as string,
    });
  });

  it('of a background push have the priority 5', () => {
    expect(pushOf(deliveryOf({ payload: {} })).headers).toMatchObject({
      'apns-push-type': 'background',
      'apns-priority': '5',
    });
  });

  it.each(['high', 'medium', 'low'] as const)(
    'of an alert have the priority 10, with the PNS priority %s too',
    (priority) => {
      expect(pushOf(deliveryOf({ priority })).headers['apns-priority']).toBe('10');
    },
  );

  it('without a time to live have an expiration after a day, and never an expiration of 0', () => {
    expect(pushOf(deliveryOf()).headers['apns-expiration']).toBe(String(now / 1000 + 86_400));
    expect(pushOf(deliveryOf({ expiresAt: 1 })).headers['apns-expiration']).toBe('1');
  });

  it('have no topic if none is configured', () => {
    expect(apnsPush(deliveryOf(), contentOf(deliveryOf()), undefined, now).headers).not.toHaveProperty('apns-topic');
  });

  it('have the same collapse id for pushes about the same object, and no other pushes', () => {
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

it('a delivery has always the same UUID, with any id', () => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  fc.assert(
    fc.property(fc.string(), (id) => {
      expect(apnsId(id)).toMatch(uuid);
      expect(apnsId(id)).toBe(apnsId(id));
    }),
  );
  expect(apnsId('a')).not.toBe(apnsId('b'));
});

describe('a push that is too long', () => {
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
  const isWholeStart = (cut: string, given: string): boolean => {
    const whole = wellFormed(given);
    if (cut === given || cut === whole) return true;
    if (!cut.endsWith('…')) return false;
    const start = cut.slice(0, -1);
    const character = characters.segment(whole).containing(start.length);
    const isFirst = whole.slice(0, character?.index).trim() === '';
    return whole.startsWith(start) && (character?.index === start.length || isFirst);
  };

  it('fits after its texts were cut, and no grapheme is divided', () => {
    fc.assert(
      fc.property(content, (given) => {
        const text = apnsBody(deliveryOf({ payload: given.data }), given);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBodyBytes);
        const { aps, cid } = JSON.parse(text) as Body;
        if (aps.alert?.body !== undefined) expect(isWholeStart(aps.alert.body, given.body ?? '')).toBe(true);
        if (aps.alert?.title !== undefined) expect(isWholeStart(aps.alert.title, given.title ?? '')).toBe(true);
        expect([undefined, given.cid]).toContain(cid);
        expect(Boolean(aps.alert?.title) || Boolean(aps.alert?.body)).toBe(Boolean(given.title) || Boolean(given.body));
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
  ])('has a body of %j that is cut after the last one that fits', (character, bytes) => {
    const given: PushContent = { title: 'T', body: character.repeat(5000), data: {} };
    const left = maxBodyBytes - Buffer.byteLength(apnsBody(deliveryOf(), given));
    expect(left).toBeGreaterThanOrEqual(0);
    expect(left).toBeLessThan(bytes);
    expect(JSON.parse(apnsBody(deliveryOf(), given))).toMatchObject({ aps: { alert: { title: 'T' } } });
  });

  it('is cut in the body first, then in the title, and keeps the sender', () => {
    const texts = (payload: object) => (bodyOf(deliveryOf({ payload: { ...payload } })) as Body).aps.alert;
    const mail = { folder: 'default0/INBOX', displayname: 'Jane Doe' };
    expect(texts({ ...mail, subject: 's'.repeat(2500) })).toEqual({
      title: 's'.repeat(2500),
      body: expect.stringMatching(/^Jane Doe\ns{1000,}…$/) as string,
    });
    expect(texts({ ...mail, subject: 's'.repeat(40_000) })).toEqual({
      title: expect.stringMatching(/^s{3800,}…$/) as string,
      body: 'Jane Doe…',
    });
    expect(texts({ ...mail, displayname: 'J'.repeat(9000), subject: 's'.repeat(9000) })).toEqual({
      title: expect.stringMatching(/^s{1900,}…$/) as string,
      body: expect.stringMatching(/^J{1900,}…$/) as string,
    });
  });

  it.each([
    ['a grapheme larger than the push', { subject: `a${'\u0301'.repeat(3000)}` }, /^a\u0301{1000,}…$/],
    ['a start and a grapheme larger than the push', { subject: `Hello a${'\u0301'.repeat(3000)}` }, /^Hello…$/],
    ['families', { subject: '👨‍👩‍👧‍👦'.repeat(400) }, /^(?:👨‍👩‍👧‍👦){100,}…$/u],
    ['flags behind an override', { subject: `\u202e${'🇩🇪'.repeat(1000)}` }, /^\u202e(?:🇩🇪){300,}…$/u],
    ['700 ids', { subject: 'Hi', id: Array.from({ length: 700 }, (_, id) => `id-${id}`) }, /^Hi$/],
    ['a custom field of 5 KB', { subject: 'Hi', flags: 'x'.repeat(5000) }, /^Hi$/],
  ])('with %s shows its title and its sender', (_, fields, title) => {
    const payload = { folder: 'default0/INBOX', displayname: 'Jane Doe', ...fields };
    const { aps } = bodyOf(deliveryOf({ payload }), { ...usual, dataFields: Object.keys(payload) }) as Body;
    expect(aps.alert?.title).toMatch(title);
    expect(aps.alert?.body).toMatch(/^Jane Doe(?:\n|…)/);
  });

  it('leaves out fields before it cuts texts', () => {
    const data = { small: 1, large: 'x'.repeat(3000) };
    const given: PushContent = { title: 'T', body: 'b'.repeat(2000), data };
    expect(JSON.parse(apnsBody(deliveryOf({ payload: data }), given))).toEqual({
      aps: { alert: { title: 'T', body: 'b'.repeat(2000) } },
      namespace: '/',
      small: 1,
    });
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

  it('has no field without a value', () => {
    const data = { nothing: undefined, kept: 1 };
    expect(JSON.parse(apnsBody(deliveryOf({ payload: data }), { title: 'T', data }))).toEqual({
      aps: { alert: { title: 'T' } },
      namespace: '/',
      kept: 1,
    });
  });

  it('has no cid instead of a part of it', () => {
    const given: PushContent = { title: 'T', cid: 'c'.repeat(5000), data: {} };
    expect(JSON.parse(apnsBody(deliveryOf(), given))).toEqual({ aps: { alert: { title: 'T' } }, namespace: '/' });
  });
});
