import { Client } from 'pg';
import { testApi, type TestApi } from '../testing/test-api';

interface View {
  readonly id: string;
  readonly context: number;
  readonly user: number;
  readonly client: string;
  readonly transport: string;
  readonly token: string;
  readonly topics: string[];
  readonly expires?: number;
  readonly meta?: object;
  readonly createdAt: string;
  readonly updatedAt: string;
}

interface Page {
  readonly items: View[];
  readonly nextCursor?: string;
}

const files = {
  'webhooks.yml': `
hook:
  uri: https://push.example.com/hook
  maxTimeToLiveMillis: 3600000
  maxNumberOfSubscriptionsPerUser: 2
own:
  uri: https://push.example.com/own
  allowSharedUri: false
anywhere:
  uriValidationMode: none
  httpsOnly: false
`,
  'webhooks.properties': 'com.openexchange.webhooks.enabledIds=hook, own, anywhere\n',
};

const path = '/v1/subscriptions';
const phone = { context: 1, user: 14, client: 'mobile', transport: 'apns', token: 'ab', topics: ['ox:mail:*'] };
const hook = { context: 1, user: 14, client: 'hook', transport: 'webhook', topics: ['*'] };

let api: TestApi;

beforeAll(async () => {
  api = await testApi({ files });
});

afterEach(async () => {
  await Promise.all([1, 2].map((context) => api.send('DELETE', `${path}?context=${context}`)));
});

afterAll(() => api.close());

/** Registers a subscription. The result omits the warnings, because no provider is configured in this test. */
async function register(body: object) {
  const answer = await api.send<View & { warnings?: object[] }>('POST', path, { body });
  const { warnings, ...view } = answer.body;
  void warnings;
  return { ...answer, body: view };
}

async function list(query = ''): Promise<View[]> {
  return (await api.send<Page>('GET', `${path}?limit=500&${query}`)).body.items;
}

describe('registering', () => {
  it('answers 201 with the subscription, then 200 with the same id', async () => {
    const expires = Date.now() + 60_000;
    const first = await register({ ...phone, expires, meta: { locale: 'de', password: 'secret' } });
    expect(first.status).toBe(201);
    expect(first.body).toEqual({
      ...phone,
      expires,
      meta: { locale: 'de' },
      id: first.body.id,
      createdAt: first.body.createdAt,
      updatedAt: first.body.createdAt,
    });
    const second = await register({ ...phone, topics: ['ox:calendar:updates', '*'] });
    expect(second.status).toBe(200);
    expect(second.body).toEqual({
      ...phone,
      topics: ['ox:calendar:updates', '*'],
      id: first.body.id,
      createdAt: first.body.createdAt,
      updatedAt: second.body.updatedAt,
    });
    expect((await api.send('GET', `${path}/${first.body.id}`)).body).toEqual(second.body);
  });

  it.each([
    ['apn', 'apns', 'ab'],
    ['apns_http2', 'apns', 'ab'],
    ['gcm', 'fcm', 'abc:APA91b'],
    ['wns', 'wns', 'https://db5p.notify.windows.com/?token=1'],
  ])('reads the transport %s as %s', async (said, transport, token) => {
    expect((await register({ ...phone, transport: said, token })).body.transport).toBe(transport);
    expect(await list(`transport=${said}`)).toHaveLength(1);
  });

  it('does not check the credentials of a webhook in the meta of a device', async () => {
    expect((await register({ ...phone, meta: { login: 5, authorization: 'a\n' } })).status).toBe(201);
  });

  it('reads an expiry of 0 as never', async () => {
    expect((await register({ ...phone, expires: 0 })).body).not.toHaveProperty('expires');
  });

  it('takes a token over from its user, also with concurrent requests', async () => {
    const users = Array.from({ length: 10 }, (_, index) => index + 1);
    const answers = await Promise.all(users.map((user) => register({ ...phone, user, context: (user % 2) + 1 })));
    expect(answers.map(({ status }) => status)).toEqual(users.map(() => 201));
    const held = await list('token=ab');
    expect(held).toHaveLength(1);
    await register({ ...phone, user: 99 });
    expect((await list('token=ab')).map(({ user }) => user)).toEqual([99]);
  });
});

describe('a webhook', () => {
  it('has the configured URI and the longest time to live unless the request names others', async () => {
    const from = Date.now();
    const { status, body } = await register(hook);
    expect(status).toBe(201);
    expect(body.token).toBe('https://push.example.com/hook');
    expect(body.expires).toBeGreaterThanOrEqual(from + 3_600_000);
    expect(body.expires).toBeLessThanOrEqual(Date.now() + 3_600_000);
    const expires = Date.now() + 1_000_000;
    expect((await register({ ...hook, expires })).body).toMatchObject({ id: body.id, expires });
  });

  it('accepts credentials in its meta that can be sent, and never shows them', async () => {
    const meta = { locale: 'de', authorization: 'Bearer secret', username: 'jane', password: 'secret' };
    const { status, body } = await register({ ...hook, meta });
    expect({ status, meta: body.meta }).toEqual({ status: 201, meta: { locale: 'de' } });
    const change = (changed: object) =>
      api.send('PATCH', `${path}/${body.id}`, { body: { meta: changed, topics: ['a'] } });
    const refused = await change({ authorization: 'secret\r\nX-Evil: 1' });
    expect(refused).toMatchObject({ status: 422, body: { code: 'BODY_INVALID' } });
    expect(refused.body['errors']).toMatchObject([{ field: 'meta.authorization' }]);
    expect(JSON.stringify(refused.body)).not.toContain('secret');
    expect(await list()).toEqual([body]);
    expect(await change({ authorization: 'Bearer new' })).toMatchObject({ status: 200, body: { meta: {} } });
  });

  it('accepts URIs below the configured one', async () => {
    const token = 'https://push.example.com/hook/14?x=1';
    expect((await register({ ...hook, token })).body.token).toBe(token);
  });

  it('has a limit of subscriptions per user, in which expired ones do not count', async () => {
    const at = (name: string) => ({ ...hook, token: `https://push.example.com/hook/${name}` });
    const first = await register({ ...at('a'), expires: Date.now() + 60_000 });
    expect(first.status).toBe(201);
    expect((await register(at('b'))).status).toBe(201);
    expect(await register(at('c'))).toMatchObject({ status: 409, body: { code: 'SUBSCRIPTION_LIMIT' } });
    expect((await register({ ...at('c'), user: 15 })).status).toBe(201);
    expect((await register(at('b'))).status).toBe(200);
    const database = new Client({ connectionString: api.database.url });
    await database.connect();
    await database.query(`UPDATE subscriptions SET expires_at = now() - interval '1 s' WHERE id = $1`, [first.body.id]);
    await database.end();
    expect((await register(at('c'))).status).toBe(201);
  });

  it('shares its URI between users, unless it is configured not to', async () => {
    for (const client of ['hook', 'own']) for (const user of [14, 15]) await register({ ...hook, client, user });
    expect((await list('client=hook')).map(({ user }) => user)).toEqual([14, 15]);
    expect((await list('client=own')).map(({ user }) => user)).toEqual([14]);
  });

  it('without a configured URI accepts any URI, also without TLS where that is allowed', async () => {
    const token = 'http://receiver.example/at/all';
    expect((await register({ ...hook, client: 'anywhere', token })).status).toBe(201);
  });
});

describe('finding and removing', () => {
  beforeEach(async () => {
    await register(phone);
    await register({ ...phone, user: 15, token: 'de', topics: ['ox:mail:new'] });
    await register({ ...phone, context: 2, token: '01', client: 'tablet', topics: ['*'] });
    await register(hook);
  });

  it.each([
    ['context=2', ['01']],
    ['user=15', ['de']],
    ['context=1&user=14', ['ab', 'https://push.example.com/hook']],
    ['client=tablet', ['01']],
    ['transport=webhook', ['https://push.example.com/hook']],
    ['topic=ox:mail:new', ['ab', 'de', '01', 'https://push.example.com/hook']],
    ['topic=ox:mail:*', ['ab']],
    ['topic=ox:calendar:updates', ['01', 'https://push.example.com/hook']],
    ['token=https%3A%2F%2Fpush.example.com%2Fhook', ['https://push.example.com/hook']],
    ['token=ff', []],
  ])('by %s', async (query, tokens) => {
    expect((await list(query)).map(({ token }) => token)).toEqual(tokens);
    const { status, body } = await api.send('DELETE', `${path}?${query}`);
    expect({ status, body }).toEqual({ status: 200, body: { removed: tokens.length } });
    expect(await list()).toHaveLength(4 - tokens.length);
  });

  it('page by page', async () => {
    const first = (await api.send<Page>('GET', `${path}?limit=3`)).body;
    const second = (await api.send<Page>('GET', `${path}?limit=3&cursor=${first.nextCursor}`)).body;
    expect([...first.items, ...second.items]).toEqual(await list());
    expect(second).not.toHaveProperty('nextCursor');
  });

  it('by id', async () => {
    const [one] = await list();
    expect((await api.send('DELETE', `${path}/${one?.id}`)).status).toBe(204);
    expect((await api.send('DELETE', `${path}/${one?.id}`)).status).toBe(404);
    expect(await list()).toHaveLength(3);
  });

  it('as HEAD', async () => {
    expect((await api.send('HEAD', path)).status).toBe(200);
  });
});

describe('changing a subscription', () => {
  it('keeps its id and all other fields', async () => {
    const { body } = await register({ ...phone, meta: { a: 1 } });
    const expires = Date.now() + 60_000;
    const changed = await api.send<View>('PATCH', `${path}/${body.id}`, {
      body: { topics: ['ox:calendar:*'], expires },
    });
    expect(changed.status).toBe(200);
    expect(changed.body).toEqual({ ...body, topics: ['ox:calendar:*'], expires, updatedAt: changed.body.updatedAt });
    const bare = await api.send<View>('PATCH', `${path}/${body.id}`, { body: { expires: 0, meta: null } });
    expect(bare.body).toEqual({
      ...phone,
      id: body.id,
      topics: ['ox:calendar:*'],
      createdAt: body.createdAt,
      updatedAt: bare.body.updatedAt,
    });
    expect(await list()).toEqual([bare.body]);
  });

  it('answers 412 to the second of two concurrent changes or removals', async () => {
    const registered = await register(phone);
    const one = `${path}/${registered.body.id}`;
    const read = await api.send('GET', one);
    const headers = { 'if-match': read.headers.get('etag') ?? '' };
    expect(registered.headers.get('etag')).toBe(headers['if-match']);
    const oneOfSeveral = { 'if-match': `"1", ${headers['if-match']}` };
    const first = await api.send('PATCH', one, { body: { topics: ['*'] }, headers: oneOfSeveral });
    expect(first.status).toBe(200);
    const late = { status: 412, body: { code: 'VERSION_CHANGED' } };
    expect(await api.send('PATCH', one, { body: { topics: ['a'] }, headers })).toMatchObject(late);
    expect(await api.send('DELETE', one, { headers })).toMatchObject(late);
    expect((await api.send('GET', one)).body).toEqual(first.body);
    const current = { 'if-match': first.headers.get('etag') ?? '' };
    await register(phone); // a registration is a change too
    expect(await api.send('DELETE', one, { headers: current })).toMatchObject(late);
    expect((await api.send('DELETE', one, { headers: { 'if-match': '*' } })).status).toBe(204);
  });

  it('limits the expiry by the options of the webhook', async () => {
    const { body } = await register(hook);
    const url = `${path}/${body.id}`;
    const late = await api.send('PATCH', url, { body: { expires: Date.now() + 7_200_000 } });
    expect(late).toMatchObject({ status: 422, body: { code: 'WEBHOOK_EXPIRY_REFUSED' } });
    const never = await api.send<View>('PATCH', url, { body: { expires: 0 } });
    expect(never.body.expires).toBeLessThanOrEqual(Date.now() + 3_600_000);
    expect((await api.send<View>('PATCH', url, { body: { topics: ['ox:mail:*'] } })).body.topics).toEqual([
      'ox:mail:*',
    ]);
  });
});
