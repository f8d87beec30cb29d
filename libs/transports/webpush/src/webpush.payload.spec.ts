import { pushContent, type PushStyle } from '@pns/payloads';
import type { Delivery } from '@pns/transport-contract';
import fc from 'fast-check';
import { maxContentBytes } from './webpush.encryption';
import { type MessageStyle, type WebpushMessage, webpushMessage } from './webpush.payload';

const now = Date.UTC(2026, 10, 29, 12);

const mail: Delivery = {
  ...{ id: 'delivery-1', notificationId: 'n-1', subscriptionId: 's-1', context: 1, user: 14, client: 'web' },
  ...{ transport: 'webpush', token: 'https://push.example.com/1', topic: 'ox:mail:new' },
  payload: {
    ...{ folder: 'default0/INBOX', id: '113', email: 'jane.doe@foobar.com', displayname: 'Jane Doe' },
    ...{ subject: "Let's meet", unread: 83, teaser: 'Hello' },
  },
  ...{ priority: 'high', count: 1, timestamp: now - 1000, dueAt: now, attempt: 1 },
};

const plain: PushStyle = { hasBadge: true };

function messageOf(
  changes: Partial<Delivery> = {},
  style: PushStyle = plain,
  options: MessageStyle = { declarative: true },
): WebpushMessage {
  const delivery = { ...mail, ...changes };
  const content = pushContent(delivery, style);
  if ('kind' in content) throw new Error(content.reason);
  const message = webpushMessage(delivery, content, options, now);
  if ('kind' in message) throw new Error(message.kind);
  return message;
}

const jsonOf = (...parts: Parameters<typeof messageOf>): unknown => JSON.parse(messageOf(...parts).content);

describe('the content of a push message', () => {
  it('of a new mail is a declarative message with the data of the topic', () => {
    expect(jsonOf()).toEqual({
      web_push: 8030,
      notification: { title: "Let's meet", body: "Jane Doe\nLet's meet", tag: 'delivery-1', app_badge: 83 },
      app_badge: 83,
      ...{ id: 'delivery-1', topic: 'ox:mail:new', timestamp: now - 1000, cid: 'default0/INBOX/113' },
      data: mail.payload,
    });
  });

  it('of a change in a calendar shows nothing and has only the data', () => {
    const payload = { folders: ['cal://0/31'], needsAction: ['38'] };
    expect(jsonOf({ topic: 'ox:calendar:updates', payload })).toEqual({
      ...{ id: 'delivery-1', topic: 'ox:calendar:updates', timestamp: now - 1000 },
      data: payload,
    });
  });

  it('of collected mails says how many there are', () => {
    expect(jsonOf({ count: 3 })).toMatchObject({
      notification: { title: "(3) Let's meet" },
      ...{ count: 3, data: { count: 3 } },
    });
  });

  it('of which only the newest counts replaces the one before it', () => {
    expect(jsonOf({ collapseKey: 'ox:mail:new' })).toMatchObject({ notification: { tag: 'ox:mail:new' } });
    expect(jsonOf({ collapseKey: 'ox:mail:new inbox' })).toMatchObject({
      notification: { tag: expect.stringMatching(/^[\w-]{43}$/) as string },
    });
  });

  it('has the texts, the URL and the fields that properties set', () => {
    const style = {
      title: 'Mail in {{folder}}',
      body: '{{subject}}',
      navigate: 'https://mail.example.com/#folder={{folder}}&id={{id}}',
      dataFields: ['id'],
      hasBadge: false,
    };
    expect(jsonOf({}, style)).toEqual({
      web_push: 8030,
      notification: {
        ...{ title: 'Mail in default0/INBOX', body: "Let's meet", tag: 'delivery-1' },
        navigate: 'https://mail.example.com/#folder=default0%2FINBOX&id=113',
      },
      ...{ id: 'delivery-1', topic: 'ox:mail:new', timestamp: now - 1000, cid: 'default0/INBOX/113' },
      data: { id: '113' },
    });
  });

  it('has a title if a template gives only a body, because browsers show nothing without one', () => {
    const { notification } = jsonOf({}, { body: 'New mail', hasBadge: false }) as { notification: object };
    expect(notification).toEqual({ title: 'New mail', tag: 'delivery-1' });
  });

  it('is silent if its priority is low', () => {
    expect(jsonOf({ priority: 'low' })).toMatchObject({ notification: { silent: true } });
    expect(jsonOf({ priority: 'medium' })).not.toHaveProperty('notification.silent');
  });

  it('is the data object alone for a client with declarative: false', () => {
    expect(jsonOf({}, plain, { declarative: false })).toEqual({
      ...{ id: 'delivery-1', topic: 'ox:mail:new', timestamp: now - 1000, cid: 'default0/INBOX/113' },
      ...{ title: "Let's meet", body: "Jane Doe\nLet's meet", badge: 83, data: mail.payload },
    });
  });
});

describe('a push message that is too long', () => {
  it('loses fields of the payload first, and keeps its texts', () => {
    const payload = { ...mail.payload, teaser: 'x'.repeat(4000) };
    expect(jsonOf({ payload })).toMatchObject({
      notification: { title: "Let's meet", body: "Jane Doe\nLet's meet" },
      ...{ truncated: true, cid: 'default0/INBOX/113', data: { folder: 'default0/INBOX', id: '113', unread: 83 } },
    });
    expect(jsonOf({ payload })).not.toHaveProperty('data.teaser');
  });

  it('has texts that are cut between graphemes', () => {
    const family = '👨‍👩‍👧‍👦';
    const { content } = messageOf({ payload: { ...mail.payload, subject: family.repeat(500) } });
    const { notification } = JSON.parse(content) as { notification: { title: string; body: string } };
    expect(notification.title).toMatch(new RegExp(`^(?:${family})+…$`));
    expect(notification.body).toMatch(new RegExp(`^Jane Doe(?:\\n(?:${family})*)?…$`));
    expect(Buffer.byteLength(content)).toBeGreaterThan(maxContentBytes - 60);
  });

  it('fits in every case, whatever is long', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 6000, size: 'max' }), fc.string({ maxLength: 20 }));
    const payload = fc.record({ subject: text, displayname: text, folder: text, id: text, teaser: text, extra: text });
    fc.assert(
      fc.property(
        payload,
        fc.boolean(),
        fc.constantFrom('', 'https://x.example/{{folder}}'),
        (given, declarative, navigate) => {
          const { content } = messageOf({ payload: given }, { ...plain, navigate }, { declarative });
          expect(Buffer.byteLength(content)).toBeLessThanOrEqual(maxContentBytes);
          expect(JSON.parse(content)).toMatchObject({ id: 'delivery-1', topic: 'ox:mail:new' });
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the headers of a push message', () => {
  it.each([
    ['high', 'high'],
    ['medium', 'normal'],
    ['low', 'low'],
  ] as const)('name the urgency of the priority %s: %s', (priority, urgency) => {
    expect(messageOf({ priority }).headers).toMatchObject({ urgency });
  });

  it('name the urgency that the client has for all messages', () => {
    expect(messageOf({}, plain, { declarative: true, urgency: 'very-low' }).headers).toMatchObject({
      urgency: 'very-low',
    });
  });

  it('name the rest of the time to live in seconds, a day without one, and four weeks at most', () => {
    expect(messageOf({ expiresAt: now + 61_999 }).headers).toMatchObject({ ttl: '61' });
    expect(messageOf({ expiresAt: now + 1 }).headers).toMatchObject({ ttl: '0', 'x-wns-cache-policy': 'no-cache' });
    expect(messageOf({ expiresAt: now + 1000 }).headers).not.toHaveProperty('x-wns-cache-policy');
    expect(messageOf().headers).toMatchObject({ ttl: '86400' });
    expect(messageOf({ expiresAt: now + 100 * 86_400_000 }).headers).toMatchObject({ ttl: '2419200' });
  });

  it('have a topic only if the newest message replaces earlier ones', () => {
    expect(messageOf().headers).not.toHaveProperty('topic');
    const topics = ['ox:mail:new', 'ox:mail:new inbox', `ox:mail:new ${'k'.repeat(1000)}`].map(
      (collapseKey) => messageOf({ collapseKey }).headers['topic'],
    );
    for (const topic of topics) expect(topic).toMatch(/^[A-Za-z0-9_-]{32}$/);
    expect(new Set(topics).size).toBe(3);
  });
});

it('a delivery whose time to live has ended is not sent', () => {
  const delivery = { ...mail, expiresAt: now };
  const content = pushContent(delivery, plain);
  if ('kind' in content) throw new Error(content.reason);
  expect(webpushMessage(delivery, content, { declarative: true }, now)).toMatchObject({ kind: 'expired' });
});
