import { testApi, type TestApi } from '../test-api';

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

/** As Dovecot's HTTP client sends it: Basic, with any user name. */
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

it('a user may be named by a login of the directory', async () => {
  await notify({ ...request, user: 'John@Example.com' });
  expect(await waiting()).toMatchObject([{ context: 7, user: 8 }]);
});

it.each([
  ['an unknown login', { user: 'nobody@example.com' }],
  ['a login that cannot be', { user: 'nobody\0@example.com' }],
  ['a user id that cannot be', { user: '99999999999@1' }],
  ['no user', { user: '' }],
  ['another event', { event: 'messageExpunge' }],
  ['an event of another driver', { event: 'FlagsSet', flags: ['\\Seen'] }],
])('%s is answered 200, and nothing is sent', async (_name, changes) => {
  expect(await notify({ ...request, ...changes })).toMatchObject({ status: 200, body: { success: true } });
  expect(await waiting()).toEqual([]);
});

it('what Dovecot leaves out is no error', async () => {
  const { user, event, folder } = request;
  expect((await notify({ user, event, folder })).status).toBe(200);
  expect(await waiting()).toMatchObject([{ payload: { folder: 'default0/INBOX' } }]);
});
