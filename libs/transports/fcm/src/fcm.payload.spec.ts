import { pushContent, wellFormed } from '@pns/payloads';
import type { Delivery } from '@pns/transport-contract';
import fc from 'fast-check';
import { maxMessageBytes, messageBytes } from './fcm.fitted';
import { type FcmMessage, fcmMessage, maxTtlSeconds } from './fcm.payload';

const now = 1_700_000_000_000;
const mail = {
  folder: 'default0/INBOX',
  id: '113',
  email: 'jane.doe@example.com',
  displayname: 'Jane Doe',
  subject: "Let's meet",
  unread: 83,
  teaser: 'Hello',
};
const delivery: Delivery = {
  id: 'd-1',
  notificationId: 'n-1',
  context: 1,
  user: 14,
  client: 'mobile',
  transport: 'fcm',
  token: 'a-phone:APA91b',
  topic: 'ox:mail:new',
  payload: mail,
  priority: 'high',
  count: 1,
  timestamp: 1,
  dueAt: 1,
  attempt: 1,
};

const made = (more: Partial<Delivery> = {}, hasNotification = false) => {
  const whole = { ...delivery, ...more };
  const content = pushContent(whole, { hasBadge: true, sound: 'default' });
  if ('kind' in content) throw new Error(content.reason);
  return fcmMessage(whole, content, hasNotification, now);
};
const message = (more: Partial<Delivery> = {}, hasNotification = false): FcmMessage => {
  const result = made(more, hasNotification);
  if ('kind' in result) throw new Error(JSON.stringify(result));
  return result;
};

describe('the message', () => {
  it('for a new mail contains its fields and has high priority', () => {
    expect(message()).toEqual({
      token: 'a-phone:APA91b',
      data: {
        folder: 'default0/INBOX',
        id: '113',
        email: 'jane.doe@example.com',
        displayname: 'Jane Doe',
        subject: "Let's meet",
        unread: '83',
        teaser: 'Hello',
        pns_id: 'd-1',
        pns_topic: 'ox:mail:new',
      },
      android: { priority: 'HIGH' },
    });
  });

  it('for a new mail has texts if Android shows the notification', () => {
    expect(message({}, true)).toMatchObject({
      notification: { title: "Let's meet", body: "Jane Doe\nLet's meet" },
      android: { priority: 'HIGH', notification: { tag: 'd-1', sound: 'default', notification_count: 83 } },
    });
  });

  it('for several mails contains their number', () => {
    expect(message({ count: 3 }, true)).toMatchObject({
      data: { count: '3', subject: "Let's meet" },
      notification: { title: "(3) Let's meet" },
    });
  });

  it('for a calendar update shows nothing and has normal priority', () => {
    const payload = { folders: ['cal://0/30'], needsAction: [{ folderId: 'cal://0/30', id: '18' }] };
    expect(message({ topic: 'ox:calendar:updates', payload }, true)).toEqual({
      token: 'a-phone:APA91b',
      data: {
        folders: '["cal://0/30"]',
        needsAction: '[{"folderId":"cal://0/30","id":"18"}]',
        pns_id: 'd-1',
        pns_topic: 'ox:calendar:updates',
      },
      android: { priority: 'NORMAL' },
    });
  });

  it.each(['medium', 'low'] as const)('for a mail of %s priority has normal priority', (priority) => {
    expect(message({ priority }).android.priority).toBe('NORMAL');
  });
});

describe('fields of a payload', () => {
  it.each([
    ['from', 'pns_from'],
    ['From', 'pns_From'],
    ['message_type', 'pns_message_type'],
    ['notification', 'pns_notification'],
    ['collapse_key', 'pns_collapse_key'],
    ['google', 'pns_google'],
    ['google.sent_time', 'pns_google.sent_time'],
    ['gcm', 'pns_gcm'],
    ['gcm.notification.title', 'pns_gcm.notification.title'],
    ['pns_from', 'pns_pns_from'],
    ['fromage', 'fromage'],
    ['pns_x', 'pns_x'],
    ['', ''],
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
  ])('with the name %j are sent as %j', (key, sent) => {
    const payload = JSON.parse(`{${JSON.stringify(key)}:"x"}`) as Record<string, unknown>;
    expect(Object.keys(message({ topic: 'a', payload }).data)).toEqual([sent, 'pns_id', 'pns_topic']);
  });

  it('cannot replace pns_id and pns_topic', () => {
    expect(message({ topic: 'a', payload: { pns_id: 'x', pns_topic: 'y' } }).data).toEqual({
      pns_id: 'd-1',
      pns_topic: 'a',
    });
  });

  it.each<[unknown, string | undefined]>([
    [true, 'true'],
    [0, '0'],
    [1.5, '1.5'],
    ['', ''],
    [[], '[]'],
    [{ a: null }, '{"a":null}'],
    ['a\ud83d', 'a\ufffd'],
    [null, undefined],
  ])('with the value %j are sent with the text %j', (value, text) => {
    expect(message({ topic: 'a', payload: { value } }).data['value']).toBe(text);
  });
});

describe('the time to live', () => {
  it.each([
    [90_500, '90s'],
    [500, '0s'],
    [365 * 86_400_000, `${maxTtlSeconds}s`],
  ])('of %i ms is sent as %s', (ms, ttl) => expect(message({ expiresAt: now + ms }).android.ttl).toBe(ttl));

  it.each([0, -1, -10_000])('of %i ms has ended, so the message has expired', (ms) => {
    expect(made({ expiresAt: now + ms })).toMatchObject({ kind: 'expired' });
  });
});

describe('the collapse key', () => {
  it('is the topic if only its newest notification counts', () => {
    const { android } = message({ collapseKey: 'ox:mail:new' }, true);
    expect(android).toMatchObject({ collapse_key: 'ox:mail:new', notification: { tag: 'ox:mail:new' } });
  });

  it('of any length in a notification results in one tag of Android', () => {
    const tagOf = (more: object): string | undefined => message(more, true).android.notification?.tag;
    const key = `ox:mail:new ${'ü'.repeat(255)}`;
    expect(tagOf({ collapseKey: key, id: 'd-1' })).toBe(tagOf({ collapseKey: key, id: 'd-2' }));
    expect(tagOf({ collapseKey: key })).toHaveLength(43);
    expect(tagOf({ collapseKey: key })).not.toBe(tagOf({ collapseKey: 'ox:mail:new b' }));
  });

  it.each([undefined, 'ox:mail:new inbox'])(
    'is not set for %j, because FCM stores at most four keys for a device',
    (key) => {
      const more = key === undefined ? {} : { collapseKey: key };
      expect(message(more).android).not.toHaveProperty('collapse_key');
    },
  );
});

describe('a message that is too large', () => {
  const long = 'Schöne Grüße 👩‍👩‍👧 '.repeat(200);

  it('is shortened in its teaser first', () => {
    const { data } = message({ payload: { ...mail, teaser: long } });
    expect(data).toMatchObject({ ...mail, unread: '83', teaser: expect.stringMatching(/^Schöne .*…$/) as string });
  });

  it('loses fields before its shown texts are cut', () => {
    const payload = { ...mail, teaser: long, flags: 'x'.repeat(3000), subject: long.slice(0, 1000) };
    const { data, notification } = message({ payload }, true);
    expect(notification).toEqual({ title: payload.subject, body: `Jane Doe\n${payload.subject}` });
    expect(data).not.toHaveProperty('flags');
    expect(data).toMatchObject({ folder: mail.folder, id: mail.id });
  });

  it('has cut texts only after all other fields are left out, and keeps the sender', () => {
    const { data, notification } = message({ payload: { ...mail, teaser: long, subject: long } }, true);
    expect(data).toEqual({ folder: mail.folder, id: mail.id, pns_id: 'd-1', pns_topic: 'ox:mail:new' });
    expect(notification).toEqual({
      title: expect.stringMatching(/^Schöne .*…$/) as string,
      body: expect.stringMatching(/^Jane Doe.*…$/s) as string,
    });
  });

  it.each<[string, object, object]>([
    ['a custom field of 5 KB', { flags: 'x'.repeat(5000) }, { ...mail, unread: '83' }],
    [
      'a sender of 5 KB',
      { displayname: 'J'.repeat(5000) },
      { subject: mail.subject, displayname: expect.stringMatching(/^J{3000,}…$/) as string },
    ],
    [
      '700 ids',
      { id: Array.from({ length: 700 }, (_, id) => `mail-${id}`) },
      { subject: mail.subject, displayname: 'Jane Doe', folder: mail.folder },
    ],
    [
      'an id of 5 KB',
      { id: 'x'.repeat(5000) },
      { subject: mail.subject, displayname: 'Jane Doe', folder: mail.folder },
    ],
    [
      'one huge grapheme',
      { subject: `a${'\u0301'.repeat(3000)}` },
      { subject: expect.stringMatching(/^a\u0301{1000,}…$/) as string, displayname: 'Jane Doe' },
    ],
    [
      'a subject and a sender of 5 KB',
      { subject: 's'.repeat(5000), displayname: 'J'.repeat(5000) },
      {
        subject: expect.stringMatching(/^s{1900,}…$/) as string,
        displayname: expect.stringMatching(/^J{1900,}…$/) as string,
      },
    ],
    [
      'a subject that is not a text',
      { subject: Array.from({ length: 5000 }, () => 1) },
      { folder: mail.folder, id: mail.id },
    ],
  ])('with %s keeps the fields that a person needs', (_, fields, data) => {
    const sent = message({ payload: { ...mail, ...fields } });
    expect(sent.data).toMatchObject(data);
    expect(messageBytes(sent)).toBeLessThanOrEqual(maxMessageBytes);
    const shown = message({ payload: { ...mail, ...fields } }, true).notification;
    expect(shown?.title ?? shown?.body).toBeTruthy();
  });

  it('of another topic keeps the fields that fit, in their order', () => {
    const payload = { first: 1, large: 'x'.repeat(5000), last: 'z' };
    expect(message({ topic: 'a', payload }).data).toEqual({ first: '1', last: 'z', pns_id: 'd-1', pns_topic: 'a' });
  });
});

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 3000 }),
  fc.string({ unit: 'grapheme', maxLength: 3000 }),
  fc.constant('👩‍👩‍👧é'.repeat(500)),
);

it('any message fits and shows a part of the mail, and only texts are cut', () => {
  const payloads = fc.record(
    { subject: text, teaser: text, displayname: text, id: fc.string({ maxLength: 2000 }), other: fc.jsonValue() },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(payloads, fc.boolean(), (payload, hasNotification) => {
      const sent = message({ payload: { folder: 'default0/INBOX', ...payload } }, hasNotification);
      expect(messageBytes(sent)).toBeLessThanOrEqual(maxMessageBytes);
      expect(JSON.stringify(sent)).not.toMatch(/\\ud[89a-f]/);
      expect([undefined, wellFormed(payload.id ?? '')]).toContain(sent.data['id']);
      for (const name of ['subject', 'teaser', 'displayname'] as const) {
        const kept = sent.data[name] ?? '';
        const whole = wellFormed(payload[name] ?? '');
        expect(whole === kept || whole.startsWith(kept.replace(/…$/, ''))).toBe(true);
        if (whole !== '' && name !== 'teaser' && !hasNotification) expect(kept).not.toBe('');
      }
      if (hasNotification) expect(sent.notification?.title ?? sent.notification?.body).toBeTruthy();
    }),
  );
});

it('no two fields of a payload are sent under the same name', () => {
  const part = fc.constantFrom('pns_', 'from', 'google', 'gcm', '.x', 'notification');
  const key = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.dictionary(key, fc.constant('x')), (payload) => {
      expect(Object.keys(message({ topic: 'a', payload }).data)).toHaveLength(Object.keys(payload).length + 2);
    }),
  );
});
