import { cuttableLink, testRedisUrl } from '@pns/local-servers';
import { testApi, type TestApi } from '../testing/test-api';

const path = '/preliminary/http-notify/v1/notify';
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

let api: TestApi;
let key: string;

beforeAll(async () => {
  api = await testApi();
  const made = await api.send<{ key: string }>('POST', '/v1/api-keys', {
    body: { name: 'dovecot', scopes: ['ingest'] },
  });
  key = made.body.key;
  await api.send('PUT', '/v1/contexts/7/users/8', { body: { logins: ['john@example.com'] } });
});

afterEach(async () => {
  const keys = await api.redis.keys(`*${api.redisPrefix}*`);
  if (keys.length > 0) await api.redis.del(...keys);
});

afterAll(() => api.close());

/** Sends a request like Dovecot's HTTP client, which uses Basic with any user name. */
function notify(body: unknown) {
  const authorization = `Basic ${Buffer.from(`dovecot:${key}`).toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/json; charset=utf-8' };
  return api.send('PUT', path, { body, headers, key: null });
}

async function waiting(): Promise<Record<string, unknown>[]> {
  const items = await Promise.all([0, 1, 2, 3].map((shard) => api.redis.hvals(`{${api.redisPrefix}:${shard}}:items`)));
  return items.flat().map((item) => JSON.parse(item) as Record<string, unknown>);
}

it('a new mail becomes a notification with sender and subject in plain text', async () => {
  const { status, body } = await notify(request);
  expect({ status, body }).toEqual({ status: 200, body: { success: true } });
  expect(await waiting()).toMatchObject([
    {
      context: 464646669,
      user: 4,
      topic: 'ox:mail:new',
      priority: 'high',
      payload: {
        folder: 'default0/INBOX',
        id: '2345',
        email: 'alice@example.org',
        displayname: 'Ä',
        subject: 'Test päiv',
        unread: 2,
        teaser: 'Hey guys\nThis is only a test...',
      },
    },
  ]);
});

it('a login of the directory identifies the user', async () => {
  await notify({ ...request, user: 'John@Example.com' });
  expect(await waiting()).toMatchObject([{ context: 7, user: 8 }]);
});

it('a login may have composed or decomposed characters', async () => {
  await api.send('PUT', '/v1/contexts/7/users/9', { body: { logins: ['jürgen@example.com'] } });
  await notify({ ...request, user: 'Ju\u0308rgen@Example.com' });
  expect(await waiting()).toMatchObject([{ context: 7, user: 9 }]);
});

it('a mail is pushed once when Dovecot repeats the request', async () => {
  const answers = await Promise.all([notify(request), notify({ ...request, unseen: 3 }), notify(request)]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await notify(request)).status).toBe(200);
  expect(await waiting()).toHaveLength(1);
  await notify({ ...request, 'imap-uid': 2346 });
  expect(await waiting()).toHaveLength(2);
});

it.each([
  ['half a surrogate pair', JSON.stringify(request).replace('Test', '\\ud800'), 'subject'],
  ['bytes of ISO-8859-1', Buffer.from(JSON.stringify(request).replace('Test', 'Gr\u00fc\u00dfe'), 'latin1'), 'subject'],
  ['a number that would be altered', JSON.stringify(request).replace('2345', '1e400'), 'imap-uid'],
  ['UTF-16', Buffer.from(`\ufeff${JSON.stringify(request)}`, 'utf16le'), 'body'],
])('%s is refused with the name of the field', async (_, body, field) => {
  const answer = await notify(body);
  expect(answer).toMatchObject({ status: 422, body: { code: 'BODY_INVALID', errors: [{ field }] } });
  expect(await waiting()).toEqual([]);
});

it('Dovecot gets Retry-After of one second when Redis or Postgres is not reachable', async () => {
  const links = [await cuttableLink(testRedisUrl()), await cuttableLink(api.database.url)] as const;
  const parted = await api.sibling({ redisUrl: links[0].url, databaseUrl: links[1].url });
  for (const link of links) {
    link.cut();
    // The user is a login, so that the API must query Postgres.
    const body = { ...request, user: 'john@example.com' };
    const answer = await parted.send('PUT', path, { body });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
  }
  for (const link of links) link.mend();
  await parted.close();
  for (const link of links) await link.close();
});

it.each([
  ['an unknown login', { user: 'nobody@example.com' }],
  ['a login that cannot be', { user: 'nobody\0@example.com' }],
  ['a user id that cannot be', { user: '99999999999@1' }],
  ['no user', { user: '' }],
  ['an event without a notification', { event: 'MailboxSubscribe' }],
  ['an unknown event', { event: 'QuotaExceed' }],
])('%s gets status 200, and no notification is sent', async (_name, changes) => {
  expect(await notify({ ...request, ...changes })).toMatchObject({ status: 200, body: { success: true } });
  expect(await waiting()).toEqual([]);
});

it('the script and the driver report a mail, and it is pushed once', async () => {
  await notify({ ...request, event: 'MessageNew', unseen: 5, 'imap-uidvalidity': '123412341', 'imap-uid': '2345' });
  await notify(request);
  expect(await waiting()).toHaveLength(1);
});

it('events of one folder are joined, and a repeated request is not counted', async () => {
  const read = { ...request, event: 'MessageRead', 'imap-uid': [1], unseen: 9, occurrence: 41 };
  await notify(read);
  await notify(read);
  await notify({ ...read, 'imap-uid': [2], unseen: 8, occurrence: 42 });
  await notify({ ...read, folder: 'Lists', occurrence: 1 });
  const stored = await waiting();
  expect(stored).toHaveLength(2);
  expect(stored).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ topic: 'ox:mail:read', payload: { folder: 'default0/INBOX', ids: ['2'], unread: 8 } }),
      expect.objectContaining({ payload: { folder: 'default0/Lists', ids: ['1'], unread: 9 } }),
    ]),
  );
  const spans = await Promise.all([0, 1, 2, 3].map((shard) => api.redis.hvals(`{${api.redisPrefix}:${shard}}:spans`)));
  // The fourth part of the text for a window is the number of its notifications.
  expect(
    spans
      .flat()
      .map((span) => span.split(':')[3])
      .sort(),
  ).toEqual(['1', '2']);
});

it('an event without the mails that it needs is refused', async () => {
  const { user, folder } = request;
  expect(await notify({ user, folder, event: 'MessageRead' })).toMatchObject({
    status: 400,
    body: { code: 'DOVECOT_REQUEST_INVALID' },
  });
  expect(await waiting()).toEqual([]);
});

it('fields that Dovecot omits are optional', async () => {
  const { user, event, folder } = request;
  expect((await notify({ user, event, folder })).status).toBe(200);
  expect(await waiting()).toMatchObject([{ payload: { folder: 'default0/INBOX' } }]);
});
