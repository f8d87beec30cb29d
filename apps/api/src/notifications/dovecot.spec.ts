import { maxPayloadBytes, payloadFault, wellFormed } from '@pns/payloads';
import fc from 'fast-check';
import { addresseeIn } from './addressee';
import { dovecotRequest, mailPayload, notificationIdOf } from './dovecot';
import { eventOf } from './dovecot-events';

const request = {
  user: '4@464646669',
  event: 'messageNew',
  folder: 'INBOX',
  'imap-uidvalidity': 123412341,
  'imap-uid': 2345,
  from: '=?utf-8?q?=C3=84?= <alice@example.org>',
  subject: 'Test =?utf-8?q?p=C3=A4iv?=',
  snippet: 'Hey guys\nThis is only a test...',
  unseen: 2,
};

describe('a request of the Dovecot driver', () => {
  it('becomes the payload of a new mail', () => {
    expect(mailPayload(dovecotRequest.parse(request))).toEqual({
      folder: 'default0/INBOX',
      id: '2345',
      email: 'alice@example.org',
      displayname: 'Ä',
      subject: 'Test päiv',
      unread: 2,
      teaser: 'Hey guys\nThis is only a test...',
    });
  });

  it('omits fields that Dovecot omitted', () => {
    const least = { user: '4@1', event: 'messageNew', folder: 'INBOX/Ä' };
    expect(mailPayload(dovecotRequest.parse(least))).toEqual({ folder: 'default0/INBOX/Ä' });
  });

  it.each([
    ['alice@example.org', { email: 'alice@example.org' }],
    ['<alice@example.org>', { email: 'alice@example.org' }],
    ['"Doe, Jane" <jane@example.org>', { email: 'jane@example.org', displayname: 'Doe, Jane' }],
    [
      '=?ISO-8859-1?B?SvxyZ2Vu?=\r\n =?ISO-8859-1?Q?_M=FCller?= <j@example.org>',
      { email: 'j@example.org', displayname: 'Jürgen Müller' },
    ],
    ['a@example.org, b@example.org', { email: 'a@example.org' }],
    ['Team: a@example.org, b@example.org;', { email: 'a@example.org' }],
    ['=?utf-8?q?J=C3=BCrgen?=', { email: 'Jürgen' }],
    ['undisclosed', { email: 'undisclosed' }],
    ['=?utf-8?q?Gr=FC=DFe?= <a@b.example>', { email: 'a@b.example', displayname: '=?utf-8?q?Gr=FC=DFe?=' }],
    ['=?utf-8?q?Gr=FC=DFe?=', { email: '=?utf-8?q?Gr=FC=DFe?=' }],
  ])('reads the sender %j', (from, expected) => {
    expect(mailPayload({ user: '4@1', event: 'messageNew', from })).toEqual({ folder: 'default0/INBOX', ...expected });
  });

  it('parses only the start of a long sender', () => {
    const name = 'x'.repeat(1000);
    const payload = mailPayload({ user: '4@1', event: 'messageNew', from: `${name} <alice@example.org>` });
    expect(payload).toEqual({ folder: 'default0/INBOX', email: name });
  });

  it.each([
    [
      ['5', 6],
      ['5', '6'],
    ],
    [0, '0'],
    ['7', '7'],
  ])('takes the uid %j as %j', (uid, id) => {
    expect(mailPayload(dovecotRequest.parse({ ...request, 'imap-uid': uid }))).toMatchObject({ id });
  });

  it.each([-1, 1.5])('has no number of unread mails for %d', (unseen) => {
    expect(mailPayload({ ...request, unseen })).not.toHaveProperty('unread');
  });

  it('cuts texts that are longer than a push can show', () => {
    const long = 'x'.repeat(100_000);
    const payload = mailPayload({ ...request, subject: long, snippet: long, from: `"${long}" <${long}@example.org>` });
    expect(JSON.stringify(payload).length).toBeLessThan(10_000);
  });

  it.each([
    ['a character of two units', `${'x'.repeat(2999)}👍`, 'x'.repeat(2999)],
    ['a family', `${'x'.repeat(2990)}👨‍👩‍👧‍👦`, 'x'.repeat(2990)],
    ['a flag', `${'x'.repeat(2996)}🇩🇪`, 'x'.repeat(2996)],
    ['one grapheme that is too long', `a${'\u0301'.repeat(3000)}`, `a${'\u0301'.repeat(1499)}`],
    ['half a character', `a\ud83d${'x'.repeat(5000)}`, `a\ufffd${'x'.repeat(2996)}`],
  ])('cuts subject and snippet between visible characters: %s', (_, text, expected) => {
    expect(mailPayload({ ...request, subject: text, snippet: text })).toMatchObject({
      subject: expected,
      teaser: expected,
    });
  });

  it('cuts a header after decoding its words', () => {
    const subject = Array.from({ length: 200 }, () => '=?utf-8?B?8J+RjfCfkY3wn5GN8J+RjfCfkY3wn5GN8J+RjfCfkY0=?=').join(
      ' ',
    );
    expect(mailPayload({ ...request, subject })).toMatchObject({ subject: '👍'.repeat(750) });
  });

  it('shows well-formed text of any script in any field where Dovecot sent visible text', () => {
    const text = fc
      .tuple(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })), fc.nat(1500))
      .map(([part, times]) => part.repeat(times));
    fc.assert(
      fc.property(text, text, text, (from, subject, snippet) => {
        const payload = mailPayload({ ...request, from, subject, snippet });
        expect(JSON.stringify(payload)).not.toMatch(/\\ud[89a-f]/);
        expect(payload['teaser'] === '').toBe(snippet === '');
        expect(wellFormed(snippet).startsWith(payload['teaser'] as string)).toBe(true);
        expect(Buffer.byteLength(JSON.stringify(payload))).toBeLessThanOrEqual(maxPayloadBytes);
      }),
    );
  });

  it('creates no payload above the limit of a notification', () => {
    const long = '\u0001'.repeat(10_000); // six bytes of JSON each
    const largest = {
      ...{ user: '4@1', event: 'messageNew', folder: long.slice(0, 1000), from: long, subject: long, snippet: long },
      ...{ 'imap-uid': Array<number>(1000).fill(Number.MAX_SAFE_INTEGER), unseen: Number.MAX_SAFE_INTEGER },
    };
    const payload = mailPayload(dovecotRequest.parse(largest));
    expect(Buffer.byteLength(JSON.stringify(payload))).toBeLessThanOrEqual(maxPayloadBytes);
  });

  it.each([
    ['4@464646669', { user: 4, context: 464646669 }],
    ['2147483647@1', { user: 2147483647, context: 1 }],
    ['2147483648@1', undefined],
    ['0@1', undefined],
    ['04@1', undefined],
    ['john@example.org', undefined],
    ['john', undefined],
    ['', undefined],
  ])('addresses %j as %j', (user, expected) => {
    expect(addresseeIn(user)).toEqual(expected);
  });

  const addressee = { context: 1, user: 4 };
  const idOf = (changes: object, of = addressee) =>
    notificationIdOf(dovecotRequest.parse({ ...request, ...changes }), of);

  it('has the same id for each repeat', () => {
    const id = idOf({});
    expect(id).toMatch(/^dovecot-[\w-]{32}$/);
    for (const same of [{ unseen: 3 }, { subject: 'x' }, { event: 'MessageNew' }, { 'imap-uid': '2345' }]) {
      expect(idOf(same)).toBe(id);
    }
    expect(idOf({ folder: undefined })).toBe(id);
    expect(idOf({ user: 'john@example.com' })).toBe(id);
  });

  it('has another id for another mail', () => {
    const changes = [
      ...[{}, { 'imap-uid': 2346 }, { 'imap-uidvalidity': 1 }, { folder: 'INBOX/a' }, { event: 'messageExpunge' }],
      ...[{ 'imap-uid': [2345, 1] }, { 'imap-uid': [1, 2345] }],
    ];
    const ids = [
      ...changes.map((change) => idOf(change)),
      idOf({}, { context: 2, user: 4 }),
      idOf({}, { context: 1, user: 5 }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(['imap-uid', 'imap-uidvalidity'])('has no id without %s', (name) => {
    expect(idOf({ [name]: undefined })).toBeUndefined();
  });

  it.each([
    ['MessageRead', 'another change', true],
    ['FlagsSet', 'another change', true],
    ['MailboxRename', 'another change', true],
    ['MessageNew', 'a mail is new once', false],
    ['MessageExpunge', 'a mail is removed once', false],
  ])('%s with another occurrence is %s', (event, _meaning, isOther) => {
    const [first, second] = [1, 2].map((occurrence) => idOf({ event, occurrence }));
    expect(first).toBe(idOf({ event, occurrence: 1 }));
    expect(first !== second).toBe(isOther);
  });

  it('the change of another flag in the same moment has another id', () => {
    const ids = [['\\Flagged'], ['\\Answered'], []].map((flags) => idOf({ event: 'FlagsSet', flags, occurrence: 7 }));
    expect(new Set(ids).size).toBe(3);
  });

  it('the event of a folder has an id without a mail', () => {
    const ofFolder = { event: 'MailboxCreate', 'imap-uid': undefined, 'imap-uidvalidity': undefined };
    expect(idOf({ ...ofFolder, occurrence: 7 })).toMatch(/^dovecot-/);
    expect(idOf(ofFolder)).toBeUndefined();
  });

  const folder = 'default0/INBOX';
  it.each<[event: string, changes: object, topic: string | undefined, payload: object]>([
    ['messageNew', {}, 'ox:mail:new', { folder, id: '2345', subject: 'Test päiv' }],
    ['MessageNew', { folder: 'Lists' }, 'ox:mail:new', { folder: 'default0/Lists', id: '2345' }],
    ['MessageAppend', { flags: [] }, 'ox:mail:new', { folder, id: '2345', subject: 'Test päiv' }],
    ['MessageAppend', { flags: ['\\Flagged'] }, 'ox:mail:new', { folder, id: '2345' }],
    ['MessageAppend', { flags: ['\\Seen'] }, 'ox:mail:flags', { folder, ids: ['2345'], flags: ['\\Seen'], unread: 2 }],
    [
      'MessageAppend',
      { flags: ['\\Draft'] },
      'ox:mail:flags',
      { folder, ids: ['2345'], flags: ['\\Draft'], unread: 2 },
    ],
    ['MessageRead', { 'imap-uid': [1, 2] }, 'ox:mail:read', { folder, ids: ['1', '2'], unread: 2 }],
    [
      'FlagsSet',
      { flags: ['\\Flagged'], keywords: ['work'] },
      'ox:mail:flags',
      { folder, ids: ['2345'], flags: ['\\Flagged', 'work'], unread: 2 },
    ],
    ['FlagsClear', { flags: ['\\Seen'] }, 'ox:mail:flags', { folder, ids: ['2345'], cleared: ['\\Seen'], unread: 2 }],
    ['MessageTrash', {}, 'ox:mail:deleted', { folder, ids: ['2345'], unread: 2 }],
    ['MessageExpunge', { unseen: undefined }, 'ox:mail:deleted', { folder, ids: ['2345'] }],
    ['MailboxCreate', { folder: 'a' }, 'ox:folder:changed', { folder: 'default0/a', change: 'created' }],
    [
      'MailboxRename',
      { folder: 'b', 'folder-old': 'a' },
      'ox:folder:changed',
      { folder: 'default0/b', change: 'renamed', from: 'default0/a' },
    ],
    ['MailboxDelete', { folder: 'b' }, 'ox:folder:changed', { folder: 'default0/b', change: 'deleted' }],
    ['MailboxSubscribe', {}, undefined, {}],
    ['constructor', {}, undefined, {}],
    ['', {}, undefined, {}],
  ])('the notification of %s with %j is %s', (event, changes, topic, payload) => {
    const made = eventOf(dovecotRequest.parse({ ...request, event, ...changes }));
    expect(made?.topic).toBe(topic);
    if (made === undefined) return;
    expect(payloadFault(made.topic, made.payload)).toBeUndefined();
    if (topic === 'ox:mail:new') expect(made.payload).toMatchObject(payload);
    else expect(made).toEqual({ topic, payload, aggregationKey: payload['folder' as keyof typeof payload] });
  });

  it.each(['MessageRead', 'FlagsSet', 'MessageExpunge'])('%s without a mail has a fault', (event) => {
    const made = eventOf(dovecotRequest.parse({ user: '4@1', event, folder: 'INBOX' }));
    expect(payloadFault(made?.topic ?? '', made?.payload)).toContain('payload.ids');
  });
});
