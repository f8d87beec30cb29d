import fc from 'fast-check';
import { pushContent, templateFault, type PushContent, type PushStyle } from './push-content';

const style: PushStyle = { hasBadge: true, sound: 'default' };
const mail = {
  folder: 'default0/INBOX',
  id: '113',
  email: 'jane.doe@example.com',
  displayname: 'Jane Doe',
  subject: "Let's meet",
  unread: 83,
  teaser: 'Hello',
};
const content = (payload: object, more: Partial<PushStyle> = {}, count = 1, topic = 'ox:mail:new'): PushContent =>
  pushContent({ topic, payload: payload as Record<string, unknown>, count }, { ...style, ...more });

it('shows a mail by its subject and sender', () => {
  expect(content(mail)).toEqual({
    title: "Let's meet",
    body: "Jane Doe\nLet's meet",
    badge: 83,
    sound: 'default',
    category: 'new-message-category',
    cid: 'default0/INBOX/113',
    data: mail,
  });
});

it.each<[string, object, Partial<PushContent>]>([
  [
    'without a name, the address stands for it',
    { ...mail, displayname: '' },
    { body: "jane.doe@example.com\nLet's meet" },
  ],
  ['a cid of its own wins', { ...mail, cid: 'a/b' }, { cid: 'a/b' }],
  ['several ids name no mail', { ...mail, id: ['1', '2'] }, { cid: 'default0/INBOX' }],
])('%s', (_, payload, expected) => {
  expect(content(payload)).toMatchObject(expected);
});

it.each<[string, object]>([
  ['a subject', { ...mail, subject: undefined }],
  ['a sender', { ...mail, email: undefined, displayname: undefined }],
  ['a subject that is text', { ...mail, subject: 7 }],
])('is silent without %s, and then has no badge and no sound', (_, payload) => {
  expect(content(payload)).toEqual({ cid: 'default0/INBOX/113', data: payload });
});

it.each([-1, 1.5, '83', null, undefined])('shows no badge for unread %j', (unread) => {
  expect(content({ ...mail, unread })).not.toHaveProperty('badge');
});

it('says how many it stands for', () => {
  expect(content(mail, {}, 3)).toMatchObject({ title: "(3) Let's meet", data: { ...mail, count: 3 } });
});

it('badge and sound can be switched off', () => {
  const plain = pushContent({ topic: 'ox:mail:new', payload: mail, count: 1 }, { hasBadge: false });
  expect(plain).toEqual(expect.not.objectContaining({ badge: 83, sound: 'default' }));
  expect(plain.title).toBe("Let's meet");
});

it('templates make any topic visible, without code', () => {
  const templates = {
    title: '{{host}} is {{state}}',
    body: '{{#reason}}because {{reason}}{{/reason}} {{topic}} {{count}}',
  };
  const payload = { host: 'db-1', state: '<down> & out', reason: 'disk' };
  expect(content(payload, { ...templates, dataFields: ['host', 'constructor'] }, 2, 'ops:alert')).toEqual({
    title: 'db-1 is <down> & out',
    body: 'because disk ops:alert 2',
    sound: 'default',
    data: { host: 'db-1', count: 2 },
  });
});

it.each<[string, Partial<PushStyle>, object]>([
  ['a title', { title: '{{host}}', body: '{{state}}' }, { title: '(3) db-1', body: 'down' }],
  ['no title', { body: '{{state}}' }, { body: '(3) down' }],
  ['a title that comes to nothing', { title: '{{nothing}}', body: '{{state}}' }, { body: '(3) down' }],
  ['a title that says it', { title: '{{count}}x {{host}}', body: '{{state}}' }, { title: '3x db-1', body: 'down' }],
  ['a body that says it', { title: '{{host}}', body: 'for the {{count}}rd time' }, { title: 'db-1' }],
  ['a part about it that is left out', { title: '{{host}}{{#nothing}} {{count}}{{/nothing}}' }, { title: '(3) db-1' }],
])('says how many were collected where a template has %s', (_, templates, expected) => {
  expect(content({ host: 'db-1', state: 'down' }, templates, 3, 'ops:alert')).toMatchObject(expected);
  const { title, body } = content({ host: 'db-1', state: 'down' }, templates, 1, 'ops:alert');
  expect([title, body].join()).not.toContain('(');
});

it('templates that come to nothing leave the push as it is without them', () => {
  expect(content({ a: 1 }, { title: '{{nothing}}' })).toEqual({ data: { a: 1 } });
  expect(content(mail, { body: '{{nothing}}' })).toMatchObject({ title: "Let's meet" });
});

it('a template is known to be bad before it is used', () => {
  expect(templateFault('{{#open}}')).toMatch(/section/);
  expect(templateFault('{{fine}}')).toBeUndefined();
});

it('any payload has a content, and its texts are never empty', () => {
  const templates = fc.record({
    title: fc.constant('{{subject}} {{a.b}}'),
    body: fc.constant('{{id}}{{#folder}}x{{/folder}}'),
  });
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.option(templates, { nil: {} }), (payload, more) => {
      const { title, body, data } = content(payload, more);
      expect(title).not.toBe('');
      expect(body).not.toBe('');
      expect(Object.keys(data).sort()).toEqual(Object.keys(payload).sort());
    }),
  );
});
