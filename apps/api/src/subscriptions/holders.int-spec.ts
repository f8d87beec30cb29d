import { testApi, type TestAnswer, type TestApi } from '../testing/test-api';

const files = {
  'webhooks.yml': `
own:
  uri: https://push.example.com/own
  allowSharedUri: false
few:
  uri: https://push.example.com/few
  maxNumberOfSubscriptionsPerUser: 2
many:
  uri: https://push.example.com/many
`,
  'webhooks.properties': `com.openexchange.webhooks.enabledIds=own, few, many
com.openexchange.pns.subscriptions.maxPerUser=3
com.openexchange.pns.subscriptions.maxTotalPerUser=8
`,
};

interface Asked {
  readonly context: number;
  readonly [field: string]: unknown;
}

const phone: Asked = { context: 1, user: 14, client: 'mobile', transport: 'apns', token: 'ab12', topics: ['*'] };
const own: Asked = { context: 1, user: 14, client: 'own', transport: 'webhook', topics: ['*'] };
const contexts = [1, 2];

let api: TestApi;
/** A key with scope admin for each context. */
const keys = new Map<number, string>();

type Answer = TestAnswer<Record<string, unknown>>;

beforeAll(async () => {
  api = await testApi({ files });
  for (const context of contexts) {
    const restricted = { name: `the key of ${context}`, scopes: ['admin', 'client'], contexts: [context] };
    keys.set(context, String((await api.send('POST', '/v1/api-keys', { body: restricted })).body['key']));
  }
});

afterEach(() => Promise.all(contexts.map((context) => api.send('DELETE', `/v1/subscriptions?context=${context}`))));

afterAll(() => api.close());

function register(body: Asked): Promise<Answer> {
  return api.send('POST', '/v1/subscriptions', { body, key: keys.get(body.context) ?? '' });
}

async function sessionOf(context: number, user: number): Promise<string> {
  return String((await api.send('POST', '/v1/sessions', { body: { context, user } })).body['token']);
}

function subscribe(session: string, body: object): Promise<Answer> {
  return api.send('PUT', `/ajax/pns?action=subscribe&session=${session}`, { key: null, body });
}

async function usersOf(client: string): Promise<unknown[]> {
  const { body } = await api.send<{ items: { user: number }[] }>('GET', `/v1/subscriptions?client=${client}`);
  return body.items.map(({ user }) => user);
}

async function takeOversSeenBy(context: number): Promise<Record<string, unknown>[]> {
  const { body } = await api.send<{ items: Record<string, unknown>[] }>('GET', '/v1/audit', {
    key: keys.get(context) ?? '',
  });
  return body.items.filter(({ action }) => String(action).startsWith('subscription.'));
}

it('a device token that moves by an API key is in the audit logs of both contexts, each without data of the other', async () => {
  const lost = await register({ ...phone, user: 918_273 });
  const taken = await register({ ...phone, context: 2, user: 918_274 });
  expect([taken.status, (await api.send('GET', `/v1/subscriptions/${String(lost.body['id'])}`)).status]).toEqual([
    201, 404,
  ]);
  const [[ofOne], [ofTwo]] = [await takeOversSeenBy(1), await takeOversSeenBy(2)];
  expect(ofOne).toMatchObject({ action: 'subscription.lost', context: 1, user: 918_273, key: { id: 'other-context' } });
  expect(ofTwo).toMatchObject({ action: 'subscription.taken-over', context: 2, user: 918_274 });
  expect(ofTwo?.['key']).toMatchObject({ name: 'the key of 2' });
  for (const foreign of ['918274', 'the key of 2', taken.body['id']]) {
    expect(JSON.stringify(ofOne)).not.toContain(foreign);
  }
  for (const foreign of ['918273', lost.body['id']]) expect(JSON.stringify(ofTwo)).not.toContain(foreign);
});

it('a device token that moves by a session is in both audit logs in the same way', async () => {
  await register({ ...phone, token: 'cd34' });
  const known = (await takeOversSeenBy(2)).length;
  const said = { client: 'mobile', transport: 'apns', token: 'cd34', topics: ['*'] };
  expect((await subscribe(await sessionOf(2, 15), said)).body).toEqual({ data: { success: true } });
  const [newest, ...older] = await takeOversSeenBy(2);
  expect(older).toHaveLength(known);
  expect(newest).toMatchObject({
    action: 'subscription.taken-over',
    key: { id: 'session', name: 'session' },
    user: 15,
  });
});

describe('a URI that is not shared', () => {
  const taken = { status: 409, body: { code: 'TOKEN_TAKEN' } };

  it('stays with its first user, also against another context, with or without the token in the request', async () => {
    expect((await register(own)).status).toBe(201);
    const uri = { token: 'https://push.example.com/own' };
    for (const owner of [{ user: 15 }, { context: 2 }]) {
      expect(await register({ ...own, ...owner })).toMatchObject(taken);
      const refused = await register({ ...own, ...owner, ...uri });
      expect(refused).toMatchObject(taken);
      expect(JSON.stringify(refused.body)).not.toMatch(/14|context/);
    }
    expect((await register({ ...own, ...uri, topics: ['ox:mail:*'] })).status).toBe(200);
    expect(await usersOf('own')).toEqual([14]);
  });

  it('is denied to a client of the original', async () => {
    await register(own);
    const answer = await subscribe(await sessionOf(2, 14), { client: 'own', transport: 'webhook', topics: ['*'] });
    expect(answer).toMatchObject({ status: 200, body: { code: 'PNS-0012', categories: 'PERMISSION_DENIED' } });
    expect(await usersOf('own')).toEqual([14]);
  });

  it('goes to one of many concurrent requests', async () => {
    const users = Array.from({ length: 10 }, (_, at) => ({ user: at + 1, context: (at % 2) + 1 }));
    const answers = await Promise.all(users.map((of) => register({ ...own, ...of })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(409)]);
    expect(await usersOf('own')).toHaveLength(1);
  });

  it('can be registered after its user unsubscribed', async () => {
    const { body } = await register(own);
    await api.send('DELETE', `/v1/subscriptions/${String(body['id'])}`);
    expect((await register({ ...own, user: 15 })).status).toBe(201);
  });

  it('is not taken over in any audit log', async () => {
    const known = (await takeOversSeenBy(1)).length;
    await register(own);
    await register({ ...own, user: 15 });
    expect(await takeOversSeenBy(1)).toHaveLength(known);
  });
});

describe('the limit of subscriptions', () => {
  const statuses = async (bodies: readonly Asked[]) =>
    (await Promise.all(bodies.map(register))).map(({ status }) => status).sort();
  const devices = (count: number, of: object = {}): Asked[] =>
    Array.from({ length: count }, (_, at) => ({ ...phone, token: `a${at}b${at}`, ...of }));
  const limited = { status: 409, body: { code: 'SUBSCRIPTION_LIMIT' } };

  it.each([
    ['apns', (at: number) => `ab${at}0`],
    ['fcm', (at: number) => `fcm-token:${at}`],
    ['wns', (at: number) => `https://db5p.notify.windows.com/w/?token=${at}`],
  ])('of a client holds for %s, by key and by session', async (transport, tokenOf) => {
    const bodies = Array.from({ length: 6 }, (_, at) => ({ ...phone, transport, token: tokenOf(at) }));
    expect(await statuses(bodies)).toEqual([201, 201, 201, 409, 409, 409]);
    const said = { client: 'mobile', transport, token: tokenOf(7), topics: ['*'] };
    const session = await sessionOf(1, 14);
    expect((await subscribe(session, said)).body).toMatchObject({ code: 'PNS-0013', categories: 'PERMISSION_DENIED' });
    expect(await subscribe(session, { ...said, client: 'tablet' })).toMatchObject({
      body: { data: { success: true } },
    });
  });

  it('of a webhook replaces the general one', async () => {
    const at = (client: string) =>
      [1, 2, 3, 4].map((n) => ({ ...own, client, token: `https://push.example.com/${client}/${n}` }));
    expect(await statuses(at('few'))).toEqual([201, 201, 409, 409]);
    expect(await statuses(at('many'))).toEqual([201, 201, 201, 409]);
  });

  it('of a user holds for all clients together', async () => {
    const asked = ['a', 'b', 'c', 'd'].flatMap((client) => devices(3, { client }));
    const answers = await Promise.all(asked.map(register));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(8);
    for (const answer of answers.filter(({ status }) => status !== 201)) expect(answer).toMatchObject(limited);
  });

  it('can be set for a user', async () => {
    const property = `/v1/config/contexts/1/users/16/properties/com.openexchange.pns.subscriptions.maxPerUser`;
    await api.send('PUT', property, { body: { value: 1 } });
    expect(await statuses(devices(3, { user: 16 }))).toEqual([201, 409, 409]);
  });
});
