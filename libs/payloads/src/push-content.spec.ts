import fc from 'fast-check';
import { utf8Bytes } from './cut-text';
import { maxDataFields, navigateFault, pushContent, type PushContent, type PushStyle } from './push-content';

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
const made = (payload: object, more: Partial<PushStyle> = {}, count = 1, topic = 'ox:mail:new') =>
  pushContent({ topic, payload: payload as Record<string, unknown>, count }, { ...style, ...more });
const content = (...given: Parameters<typeof made>): PushContent => {
  const result = made(...given);
  if ('kind' in result) throw new Error(result.reason);
  return result;
};

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
    'without a name, the address replaces it',
    { ...mail, displayname: '' },
    { body: "jane.doe@example.com\nLet's meet" },
  ],
  ['a cid of its own wins', { ...mail, cid: 'a/b' }, { cid: 'a/b' }],
  ['several ids name no mail', { ...mail, id: ['1', '2'] }, { cid: 'default0/INBOX' }],
])('%s', (_, payload, expected) => {
  expect(content(payload)).toMatchObject(expected);
});

const category = 'new-message-category';

it.each<[string, object, Partial<PushContent>]>([
  ['its sender without a subject', { subject: undefined }, { title: 'Jane Doe', category }],
  ['its sender without a subject that is text', { subject: 7 }, { title: 'Jane Doe', category }],
  ['its sender where nothing can be seen of the subject', { subject: ' \u200b\n' }, { title: 'Jane Doe', category }],
  ['its subject without a sender', { email: undefined, displayname: '\u00ad' }, { title: "Let's meet", category }],
  ['its folder without both', { subject: '', email: '', displayname: ' ' }, { title: 'INBOX' }],
  ['any folder as it is called', { subject: '', email: '', displayname: '', folder: 'a/b' }, { title: 'a/b' }],
])('shows a new mail by %s', (_, fields, shown) => {
  const payload = { ...mail, ...fields };
  const { title, body, category: named, badge } = content(payload);
  expect({ title, body, category: named }).toEqual({ body: undefined, category: undefined, ...shown });
  expect(badge).toBe(83);
  expect(content(payload, {}, 3).title).toBe(`(3) ${shown.title ?? ''}`);
});

it.each<[string, object]>([
  ['a subject', { ...mail, subject: undefined }],
  ['a sender', { ...mail, email: undefined, displayname: undefined }],
  ['a subject that is text', { ...mail, subject: 7 }],
  ['anything but a folder', { folder: 'default0/INBOX' }],
])('is silent for another topic without %s, and then has no badge and no sound', (_, payload) => {
  expect(content(payload, {}, 1, 'ox:mail:read')).toEqual({
    cid: expect.stringMatching(/^default0/) as string,
    data: payload,
  });
});

it.each([-1, 1.5, '83', null, undefined])('shows no badge for unread %j', (unread) => {
  expect(content({ ...mail, unread })).not.toHaveProperty('badge');
});

it('shows the number of collected notifications', () => {
  expect(content(mail, {}, 3)).toMatchObject({ title: "(3) Let's meet", data: { ...mail, count: 3 } });
});

it('badge and sound can be switched off', () => {
  const plain = pushContent({ topic: 'ox:mail:new', payload: mail, count: 1 }, { hasBadge: false });
  expect(plain).toEqual(expect.not.objectContaining({ badge: 83, sound: 'default' }));
  expect(plain).toMatchObject({ title: "Let's meet" });
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
])('shows the number of collected notifications where a template has %s', (_, templates, expected) => {
  expect(content({ host: 'db-1', state: 'down' }, templates, 3, 'ops:alert')).toMatchObject(expected);
  const { title, body } = content({ host: 'db-1', state: 'down' }, templates, 1, 'ops:alert');
  expect([title, body].join()).not.toContain('(');
});

it('templates with an empty result do not change the push', () => {
  expect(content({ a: 1 }, { title: '{{nothing}}' })).toEqual({ data: { a: 1 } });
  expect(content(mail, { body: '{{nothing}}' })).toMatchObject({ title: "Let's meet" });
});

const ones = Array.from({ length: 700 }, () => 1);

it.each<[string, Partial<PushStyle>, string]>([
  [
    'a title template that takes too long',
    { title: '{{#a}}{{#a}}x{{/a}}{{/a}}', body: '{{host}}' },
    'The title template takes more than 5000 steps with this payload.',
  ],
  [
    'a body template that takes too long',
    { title: '{{host}}', body: '{{#a}}{{a}}{{/a}}' },
    'The body template takes more than 5000 steps with this payload.',
  ],
  [
    'templates that take too long together',
    { title: '{{#a}}{{host}}{{/a}}', body: '{{#a}}{{host}}{{/a}}' },
    'The body template takes more than 5000 steps with this payload.',
  ],
  ['a template that is none', { title: '{{#a}}' }, 'The title template cannot be used: Unclosed section "a" at 6.'],
])('with %s the push is rejected with a reason', (_, templates, reason) => {
  expect(made({ a: ones, host: 'db-1' }, templates, 1, 'ops:alert')).toEqual({ kind: 'rejected', reason });
});

const invisibles: readonly (readonly [what: string, text: string])[] = [
  ['blanks', ' \t\u00a0\u3000'],
  ['control and format characters', '\u0007\u200b\u200f\u2060\ufeff'],
  ['fillers of Hangul', '\u115f\u1160\u3164\uffa0'],
  ['joiners and variation selectors', '\u034f\u180e\ufe0f\u{e0100}'],
  ['a blank pattern of Braille', '\u2800'],
  ['noncharacters', '\ufffe\uffff\u{1fffe}'],
];

describe.each(invisibles)('a text of %s', (_, text) => {
  it('is not shown instead of another text', () => {
    const folder = 'default0/INBOX';
    expect(content({ folder, subject: text, displayname: text })).toMatchObject({ title: 'INBOX' });
    expect(content({ folder, subject: text, displayname: text, email: 'a@b.example' }).title).toBe('a@b.example');
    expect(content({ folder: `default0/${text}` }).title).toBe(`default0/${text}`);
    expect(content({ ...mail, host: text }, { title: '{{host}}', body: '{{host}}' })).toMatchObject({
      title: "Let's meet",
    });
  });

  it('before the visible text is left out if it is long', () => {
    const { title, body } = content({ subject: `${text.repeat(5000)}Hello`, displayname: `${text.repeat(5000)}Jane` });
    expect({ title, body }).toEqual({ title: 'Hello', body: 'Jane\nHello' });
  });
});

it('a few blanks before a text are kept', () => {
  expect(content({ folder: 'a', subject: '\u200f שלום' }).title).toBe('\u200f שלום');
});

it('the folder of an account itself is shown', () => {
  expect(content({ folder: 'default0/' }).title).toBe('default0/');
});

it('limits the length of its texts', () => {
  const { title = '', body = '' } = content({ ...mail, subject: 'ü'.repeat(30_000), displayname: '\ud83d' });
  expect(utf8Bytes(title)).toBe(8192);
  expect(body.startsWith('\ufffd\nü')).toBe(true);
});

it('limits the number of fields for the app', () => {
  const payload = Object.fromEntries(Array.from({ length: 8000 }, (_, at) => [`k${at}`, at]));
  expect(Object.keys(content(payload).data)).toHaveLength(maxDataFields);
  expect(Object.keys(content(payload, { dataFields: Object.keys(payload).reverse() }, 2).data).slice(0, 1)).toEqual([
    'k7999',
  ]);
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

describe('the URL that a click opens', () => {
  it('comes from a template whose values are percent-encoded', () => {
    const navigate = 'https://mail.example.com/#!app=mail&folder={{folder}}&id={{id}}&n={{count}}';
    expect(content({ ...mail, id: 'ä/?&#"\ud800' }, { navigate }, 2)).toMatchObject({
      navigate: 'https://mail.example.com/#!app=mail&folder=default0%2FINBOX&id=%C3%A4%2F%3F%26%23%22%EF%BF%BD&n=2',
    });
  });

  it('cannot leave the host of the template', () => {
    for (const id of ['//evil.example', '@evil.example', '.evil.example', '\\evil.example', ':1@evil.example']) {
      const { navigate = '' } = content({ ...mail, id }, { navigate: 'https://mail.example.com/{{id}}' });
      expect(new URL(navigate).host).toBe('mail.example.com');
    }
  });

  it('is absent without a template, and for a push that shows nothing', () => {
    expect(content(mail)).not.toHaveProperty('navigate');
    const long = { navigate: 'https://mail.example.com/{{id}}' };
    expect(content({ ...mail, id: '%'.repeat(3000) }, long)).not.toHaveProperty('navigate'); // 9,000 characters
    const navigate = 'https://mail.example.com/';
    expect(content({ a: 1 }, { navigate }, 1, 'ops:silent')).not.toHaveProperty('navigate');
  });

  it('shares the steps of a delivery with the texts', () => {
    const templates = { title: '{{#a}}{{host}}{{/a}}', navigate: 'https://a.example/{{#a}}{{host}}{{/a}}' };
    expect(made({ a: ones, host: 'db-1' }, templates, 1, 'ops:alert')).toMatchObject({ kind: 'rejected' });
  });

  it.each(['https://mail.example.com', 'http://mail.example.com/{{id}}', 'https://a.example/?{{id}}', ''])(
    'can have the template %j',
    (template) => expect(navigateFault(template)).toBeUndefined(),
  );

  it.each([
    'https://{{host}}/',
    'https://mail.{{host}}/',
    '{{url}}',
    '/mail',
    'javascript:alert(1)',
    'https://a.example/{{#x}}',
  ])('cannot have the template %j', (template) => expect(navigateFault(template)).toBeDefined());
});
