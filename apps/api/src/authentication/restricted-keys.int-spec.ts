import { describedRoutes, type DescribedRoute } from '../http/described-routes';
import { testApi, type TestAnswer, type TestApi } from '../test-api';

let api: TestApi;
let routes: DescribedRoute[];
/** A key with every scope, for context 1. */
let key: string;
/** What belongs to each context. */
const owned = new Map<number, { readonly subscription: string; readonly session: string }>();

beforeAll(async () => {
  api = await testApi();
  routes = (await describedRoutes(api)).filter(({ scopes }) => scopes.length > 0);
  key = await makeKey({ contexts: [1] });
  for (const context of [1, 2]) {
    const of = { context, user: 5 };
    const body = { ...of, client: 'app', transport: 'apns', token: `token-${context}`, topics: ['*'] };
    const subscription = await api.send('POST', '/v1/subscriptions', { body });
    const session = await api.send('POST', '/v1/sessions', { body: of });
    owned.set(context, { subscription: String(subscription.body['id']), session: String(session.body['id']) });
    await api.send('PUT', `/v1/contexts/${context}/users/5`, { body: { logins: [`login-${context}`] } });
    const place = `/v1/config/contexts/${context}/properties/com.openexchange.pns.delayDuration`;
    await api.send('PUT', place, { body: { value: 5 } });
  }
});

afterAll(() => api.close());

async function makeKey(restriction: object): Promise<string> {
  const scopes = ['ingest', 'admin', 'client'];
  const { status, body } = await api.send('POST', '/v1/api-keys', { body: { name: 'some', scopes, ...restriction } });
  expect(status).toBe(201);
  return String(body['key']);
}

const someId = '4fd7cb5c-6a2e-4a0e-8d5a-1c1f6a3a9f10';
const isOpen = ({ path, contextIn }: DescribedRoute): boolean => path.includes('{context}') || contextIn !== undefined;

const isErasure = ({ method, path }: DescribedRoute): boolean =>
  method === 'DELETE' && path === '/v1/contexts/{context}';

/** The path of a route about `context`, whatever its parameters are called. */
function pathOf({ path }: DescribedRoute, context: number): string {
  const { subscription = '', session = '' } = owned.get(context) ?? {};
  const id = path.startsWith('/v1/subscriptions/') ? subscription : path.startsWith('/v1/sessions/') ? session : someId;
  const values: Readonly<Record<string, string>> = { id, context: String(context), user: '5', transport: 'apns' };
  return path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? 'com.openexchange.pns.delayDuration');
}

/** Bodies of routes that look for their context where no other route does, or look at the body first. */
const bodies: Readonly<Record<string, (context: number) => object>> = {
  '/v1/notifications': (context) => ({ context, user: 5, topic: 'ox:test', payload: {} }),
  '/preliminary/http-notify/v1/notify': (context) => ({ user: `5@${context}`, event: 'messageNew', 'imap-uid': 1 }),
  '/v1/subscriptions/{id}': () => ({ topics: ['ox:test'] }),
};

/** Asks a route about `context`, named everywhere where a route might look for it. */
function ask(route: DescribedRoute, context: number): Promise<TestAnswer<Record<string, unknown>>> {
  const { method, path } = route;
  const body = bodies[path]?.(context) ?? { context, user: 5 };
  const hasBody = method !== 'GET' && method !== 'DELETE';
  return api.send(method, `${pathOf(route, context)}?context=${context}`, { key, ...(hasBody ? { body } : {}) });
}

/** Routes that look for the context themselves, and what they answer a key that is not good for it. */
const ofHandlers: Readonly<Record<string, { readonly status: number; readonly code: string }>> = {
  'GET /v1/audit': { status: 403, code: 'CONTEXT_REFUSED' },
  'POST /v1/notifications': { status: 403, code: 'CONTEXT_REFUSED' },
  'PUT /preliminary/http-notify/v1/notify': { status: 403, code: 'CONTEXT_REFUSED' },
  'GET /v1/subscriptions/{id}': { status: 404, code: 'SUBSCRIPTION_NOT_FOUND' },
  'PATCH /v1/subscriptions/{id}': { status: 404, code: 'SUBSCRIPTION_NOT_FOUND' },
  'DELETE /v1/subscriptions/{id}': { status: 404, code: 'SUBSCRIPTION_NOT_FOUND' },
  'POST /v1/subscriptions/{id}/test': { status: 404, code: 'SUBSCRIPTION_NOT_FOUND' },
  'DELETE /v1/sessions/{id}': { status: 403, code: 'CONTEXT_REFUSED' },
};

describe('a key that is restricted to context 1', () => {
  it('is refused by every route that is asked about context 2, and nothing changes', async () => {
    const before = await api.contents();
    for (const route of routes.filter(({ contextIn }) => contextIn !== 'none')) {
      const name = `${route.method} ${route.path}`;
      const expected = route.contextIn === 'handler' ? ofHandlers[name] : { status: 403, code: 'CONTEXT_REFUSED' };
      if (expected === undefined) throw new Error(`${name} looks for its context itself; say in ofHandlers how.`);
      const { status, body } = await ask(route, 2);
      expect([name, status, body['code']]).toEqual([name, expected.status, expected.code]);
    }
    expect(await api.contents()).toEqual(before);
  });

  it('is refused by every route that concerns the whole server, whatever context it names', async () => {
    const closed = routes.filter((route) => !isOpen(route));
    expect(closed.length).toBeGreaterThan(10);
    for (const route of closed) {
      const { status, body } = await ask(route, 1);
      expect([route.path, status, body['code']]).toEqual([route.path, 403, 'CONTEXT_REFUSED']);
    }
  });

  it('is admitted by every other route for context 1', async () => {
    // Erasing the context would be the end of the key; that has a test of its own below.
    const open = routes.filter((route) => isOpen(route) && !isErasure(route));
    expect(open.length).toBeGreaterThan(10);
    // What others are asked about is removed at the end.
    const isRemoval = ({ method }: DescribedRoute) => Number(method === 'DELETE');
    for (const route of open.sort((a, b) => isRemoval(a) - isRemoval(b))) {
      const { body } = await ask(route, 1);
      expect([route.path, body['code']]).not.toEqual([route.path, 'CONTEXT_REFUSED']);
    }
  });

  it('lists nothing without a context', async () => {
    for (const { method, path } of routes.filter(({ contextIn }) => contextIn === 'query')) {
      expect(await api.send(method, `${path}?user=5`, { key })).toMatchObject({ body: { code: 'CONTEXT_REFUSED' } });
    }
  });

  it.each(['context=1&context=2', 'context=2&context=1', 'context=01', 'context=%201', 'context[]=1', 'context=1.0'])(
    'cannot be tricked by the query %s',
    async (query) => {
      const before = await api.contents();
      for (const method of ['GET', 'DELETE']) {
        const { status } = await api.send(method, `/v1/subscriptions?${query}`, { key });
        expect(status).toBe(403);
      }
      expect(await api.contents()).toEqual(before);
    },
  );

  it.each(['1', [1], { context: 1 }, null, 2, 1.5])('cannot be tricked by %j as context of a body', async (context) => {
    const body = { context, user: 5, client: 'app', transport: 'apns', token: 'trick', topics: ['*'] };
    expect((await api.send('POST', '/v1/subscriptions', { key, body })).status).toBe(403);
    expect((await api.send('POST', '/v1/sessions', { key, body: { context, user: 5 } })).status).toBe(403);
  });

  it.each(['', 'null', '[]', '"1"', '[{"context":1}]'])('cannot be tricked by the body %j', async (body) => {
    const headers = { 'content-type': 'application/json' };
    const { status } = await api.send('POST', '/v1/subscriptions', { key, body, headers });
    expect(status).toBe(403);
  });

  it('posts what is for its context, entry by entry', async () => {
    const entry = (context: number) => ({ context, users: [5, 6], topic: 'ox:test', payload: {} });
    const batch = { notifications: [entry(1), entry(2), entry(1), entry(3)] };
    const answer = await api.send<{ accepted: number; errors: { index: number; code: string; error: string }[] }>(
      'POST',
      '/v1/notifications',
      { key, body: batch },
    );
    expect(answer).toMatchObject({ status: 207, body: { accepted: 4 } });
    expect(answer.body.errors.map(({ index, code }) => [index, code])).toEqual([
      [1, 'CONTEXT_REFUSED'],
      [3, 'CONTEXT_REFUSED'],
    ]);
    expect(answer.body.errors[0]?.error).toContain('good for context 1 only');
    const lines = [entry(2), entry(1)].map((each) => JSON.stringify(each)).join('\n');
    const headers = { 'content-type': 'application/x-ndjson' };
    expect(await api.send('POST', '/v1/notifications', { key, body: lines, headers })).toMatchObject({
      status: 207,
      body: { accepted: 2, errors: [{ index: 0, code: 'CONTEXT_REFUSED' }] },
    });
    const others = { notifications: [entry(2)] };
    expect((await api.send('POST', '/v1/notifications', { key, body: others })).status).toBe(422);
  });

  it('tells Dovecot of a login in another context what it tells of one that nobody has', async () => {
    const mail = { event: 'messageNew', folder: 'INBOX', 'imap-uid': 1 };
    const windows = async () => (await api.redis.keys(`*${api.redisPrefix}*`)).length;
    const before = await windows();
    for (const user of ['login-2', 'nobody']) {
      const answer = await api.send('PUT', '/preliminary/http-notify/v1/notify', { key, body: { ...mail, user } });
      expect(answer).toMatchObject({ status: 200, body: { success: true } });
    }
    expect(await windows()).toBe(before);
  });

  it('ends sessions of its context, and no other', async () => {
    const made = await api.send('POST', '/v1/sessions', { key, body: { context: 1, user: 5 } });
    const foreign = owned.get(2)?.session ?? '';
    expect((await api.send('DELETE', `/v1/sessions/${made.body['id'] as string}`, { key })).status).toBe(204);
    for (const id of [foreign, `1.${foreign}`, foreign.split('.')[0], 'of-a-provider']) {
      expect((await api.send('DELETE', `/v1/sessions/${id}`, { key })).status).toBe(403);
    }
  });
});

it('a key for several contexts is good for each of them', async () => {
  const several = await makeKey({ contexts: [3, 2, 3] });
  for (const [context, status] of [
    [2, 200],
    [3, 200],
    [1, 403],
  ] as const) {
    expect((await api.send('GET', `/v1/subscriptions?context=${context}`, { key: several })).status).toBe(status);
  }
});

it('a key goes with its only context', async () => {
  const last = await makeKey({ contexts: [4] });
  expect((await api.send('DELETE', '/v1/contexts/4', { key: last })).status).toBe(204);
  expect((await api.send('GET', '/v1/subscriptions?context=4', { key: last })).status).toBe(401);
});

describe('a key that expires', () => {
  const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

  it('is refused from then on with a code of its own, also where it was remembered', async () => {
    const expiresAt = inAnHour();
    const short = await makeKey({ expiresAt });
    const sibling = await api.sibling();
    const ask = (of: TestApi) => of.send('GET', '/v1/subscriptions', { key: short });
    const clock = jest.spyOn(Date, 'now');
    try {
      clock.mockReturnValue(Date.parse(expiresAt) - 1);
      expect((await ask(api)).status).toBe(200);
      clock.mockReturnValue(Date.parse(expiresAt));
      const refused = { status: 401, body: { code: 'API_KEY_EXPIRED' } };
      const answer = await ask(api);
      expect(answer).toMatchObject(refused);
      expect(answer.body['detail']).toContain(expiresAt);
      expect(await ask(sibling)).toMatchObject(refused);
    } finally {
      clock.mockRestore();
      await sibling.close();
    }
  });

  it('makes no key that outlives it', async () => {
    const expiresAt = inAnHour();
    const maker = await makeKey({ expiresAt });
    const make = async (more: object) => {
      const body = { name: 'made', scopes: ['client'], ...more };
      const answer = await api.send('POST', '/v1/api-keys', { key: maker, body });
      return [answer.status, answer.body['code']];
    };
    expect(await make({})).toEqual([403, 'API_KEY_OUTLIVED']);
    expect(await make({ expiresAt: new Date(Date.parse(expiresAt) + 1).toISOString() })).toEqual([
      403,
      'API_KEY_OUTLIVED',
    ]);
    expect(await make({ expiresAt })).toEqual([201, undefined]);
  });
});
