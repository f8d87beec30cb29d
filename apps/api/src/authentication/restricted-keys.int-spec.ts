import { apiScopes } from '@pns/persistence';
import { describedRoutes, type DescribedRoute } from '../http/testing/described-routes';
import { KnownPaths } from '../http/known-paths';
import { testApi, type TestAnswer, type TestApi } from '../testing/test-api';
import { routeRights, type RouteRights } from './testing/route-rights';

/** A route of the OpenAPI document with its entry in `routeRights`. */
interface Route extends Omit<DescribedRoute, 'scopes'>, RouteRights {
  readonly name: string;
}

let api: TestApi;
let described: DescribedRoute[];
let routes: Route[];
/** A key with every scope, for context 1. */
let key: string;
/** The subscription and the session of each context. */
const owned = new Map<number, { readonly subscription: string; readonly session: string }>();

beforeAll(async () => {
  api = await testApi();
  described = await describedRoutes(api);
  routes = described.flatMap((route) => {
    const rights = routeRights[nameOf(route)];
    return rights === undefined ? [] : [{ ...route, ...rights, name: nameOf(route) }];
  });
  key = await makeKey({ contexts: [1] });
  for (const context of [1, 2]) {
    const of = { context, user: 5 };
    const body = { ...of, client: 'app', transport: 'apns', token: `ab0${context}`, topics: ['*'] };
    const subscription = await api.send('POST', '/v1/subscriptions', { body });
    const session = await api.send('POST', '/v1/sessions', { body: of });
    owned.set(context, { subscription: String(subscription.body['id']), session: String(session.body['id']) });
    await api.send('PUT', `/v1/contexts/${context}/users/5`, { body: { logins: [`login-${context}`] } });
    const place = `/v1/config/contexts/${context}/properties/com.openexchange.pns.delayDuration`;
    await api.send('PUT', place, { body: { value: 5 } });
  }
});

afterAll(() => api.close());

const nameOf = ({ method, path }: Pick<DescribedRoute, 'method' | 'path'>): string => `${method} ${path}`;

async function makeKey(restriction: object): Promise<string> {
  const body = { name: 'some', scopes: apiScopes, ...restriction };
  const answer = await api.send('POST', '/v1/api-keys', { body });
  expect(answer.status).toBe(201);
  return String(answer.body['key']);
}

const someId = '4fd7cb5c-6a2e-4a0e-8d5a-1c1f6a3a9f10';

/** The path of a route for `context`, with values for all its parameters. */
function pathOf({ path }: Route, context: number): string {
  const { subscription = someId, session = someId } = owned.get(context) ?? {};
  const id = path.startsWith('/v1/subscriptions/') ? subscription : path.startsWith('/v1/sessions/') ? session : someId;
  const values: Readonly<Record<string, string>> = { id, context: String(context), user: '5', transport: 'apns' };
  return path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? 'com.openexchange.pns.delayDuration');
}

/** Bodies of routes that check the context only if the body is valid. */
const bodies: Readonly<Record<string, (context: number) => object>> = {
  '/v1/notifications': (context) => ({ context, user: 5, topic: 'ox:test', payload: {} }),
  '/preliminary/http-notify/v1/notify': (context) => ({ user: `5@${context}`, event: 'messageNew', 'imap-uid': 1 }),
  '/v1/subscriptions/{id}': () => ({ topics: ['ox:test'] }),
};

/** Sends a request for `context`, which is in the query, and in the path and body of routes that have it there. */
function ask(route: Route, context: number, as: string | null = key): Promise<TestAnswer<Record<string, unknown>>> {
  const { method, path } = route;
  const body = bodies[path]?.(context) ?? { context, user: 5 };
  const hasBody = method !== 'GET' && method !== 'DELETE';
  return api.send(method, `${pathOf(route, context)}?context=${context}`, { key: as, ...(hasBody ? { body } : {}) });
}

/** The answers of the `asked` routes, each as [name, status, code]. */
async function answers(asked: readonly Route[], context: number, as: string | null = key): Promise<unknown[][]> {
  const all: unknown[][] = [];
  for (const route of asked) {
    const { status, body } = await ask(route, context, as);
    all.push([route.name, status, body['code']]);
  }
  return all;
}

/**
 * The routes for API keys that `of` selects, removals last because other routes need the resources. The erasure of a context is
 * left out, because it would delete the restricted key.
 */
function askable(of: (route: Route) => boolean): Route[] {
  const isRemoval = ({ method }: Route) => Number(method === 'DELETE');
  return routes
    .filter(({ name, takes }) => takes === 'key' && name !== 'DELETE /v1/contexts/{context}')
    .filter(of)
    .sort((a, b) => isRemoval(a) - isRemoval(b));
}

describe('the matrix of routes and keys', () => {
  it('has a row for each route of the OpenAPI document, and no other', () => {
    expect(described.map(nameOf).sort()).toEqual(Object.keys(routeRights).sort());
  });

  it('has a row for each route of the server except its pages', () => {
    const served = api.app
      .get(KnownPaths)
      .routes()
      .flatMap(({ path, methods }) => methods.map((method) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`));
    const pages = /^(HEAD|OPTIONS) | \/(docs|openapi\.json|$)/;
    expect(served.filter((route) => !pages.test(route)).sort()).toEqual(Object.keys(routeRights).sort());
  });

  it('agrees with the OpenAPI document', () => {
    const places: Readonly<Record<string, string>> = {
      anyone: 'none',
      query: 'query',
      body: 'body',
      handler: 'handler',
    };
    for (const { name, scopes, reach, takes } of routes) {
      const route = described.find((each) => nameOf(each) === name);
      expect([name, route?.scopes]).toEqual([name, scopes]);
      if (takes === 'key') expect([name, route?.contextIn]).toEqual([name, places[reach]]);
      expect([name, name.includes('{context}')]).toEqual([name, reach === 'path']);
    }
  });

  it('refuses requests without credentials and with an unknown key', async () => {
    const before = await api.contents();
    const closed = routes.filter(({ takes }) => takes === 'key');
    const expected = (code: string) => closed.map(({ name }) => [name, 401, code]);
    expect(await answers(closed, 1, null)).toEqual(expected('API_KEY_MISSING'));
    expect(await answers(closed, 1, 'pns_nobody')).toEqual(expected('API_KEY_UNKNOWN'));
    const ofSessions = routes.filter(({ takes }) => takes === 'session');
    expect(await answers(ofSessions, 1, null)).toEqual(ofSessions.map(({ name }) => [name, 200, 'SES-0201']));
    const open = routes.filter(({ takes }) => takes === 'open');
    expect(await answers(open, 1, null)).toEqual(open.map(({ name }) => [name, 200, undefined]));
    expect(await api.contents()).toEqual(before);
  });

  it.each(apiScopes)('refuses a key that has only scope %s, except on the routes of this scope', async (scope) => {
    const only = await makeKey({ scopes: [scope] });
    const before = await api.contents();
    const closed = askable(({ scopes }) => !scopes.includes(scope));
    expect(closed.length).toBeGreaterThan(1);
    expect(await answers(closed, 1, only)).toEqual(closed.map(({ name }) => [name, 403, 'SCOPE_MISSING']));
    expect(await api.contents()).toEqual(before);
  });

  it.each(apiScopes)('admits a key that has only scope %s on the routes of this scope', async (scope) => {
    const only = await makeKey({ scopes: [scope] });
    const contextOfNobody = 9;
    for (const [name, status, code] of await answers(
      askable(({ scopes }) => scopes.includes(scope)),
      contextOfNobody,
      only,
    )) {
      expect([name, [401, 403].includes(Number(status)), code]).not.toEqual([name, true, code]);
    }
  });
});

describe('a key that is restricted to context 1', () => {
  it('is refused by every route for context 2, and nothing changes', async () => {
    const before = await api.contents();
    const foreign = routes.filter(({ takes, reach }) => takes === 'key' && reach !== 'anyone');
    expect(await answers(foreign, 2)).toEqual(
      foreign.map(({ name, foreign: { status, code } }) => [name, status, code]),
    );
    expect(await api.contents()).toEqual(before);
  });

  it('is refused by every route that concerns the whole server, with any context', async () => {
    const closed = askable(({ reach }) => reach === 'server');
    expect(closed.length).toBeGreaterThan(10);
    expect(await answers(closed, 1)).toEqual(closed.map(({ name }) => [name, 403, 'CONTEXT_REFUSED']));
  });

  it('is admitted by every other route for context 1', async () => {
    const open = askable(({ reach }) => reach !== 'server');
    expect(open.length).toBeGreaterThan(10);
    for (const [name, status, code] of await answers(open, 1)) {
      expect([name, [401, 403].includes(Number(status)), code]).not.toEqual([name, true, code]);
    }
  });

  it('cannot list without a context', async () => {
    for (const { method, path } of routes.filter(({ reach }) => reach === 'query')) {
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
    const body = { context, user: 5, client: 'app', transport: 'apns', token: 'ab03', topics: ['*'] };
    expect((await api.send('POST', '/v1/subscriptions', { key, body })).status).toBe(403);
    expect((await api.send('POST', '/v1/sessions', { key, body: { context, user: 5 } })).status).toBe(403);
  });

  it.each(['', 'null', '[]', '"1"', '[{"context":1}]'])('cannot be tricked by the body %j', async (body) => {
    const headers = { 'content-type': 'application/json' };
    const { status } = await api.send('POST', '/v1/subscriptions', { key, body, headers });
    expect(status).toBe(403);
  });

  it('posts the entries for its context, and other entries are refused one by one', async () => {
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
    expect(answer.body.errors[0]?.error).toContain('valid for context 1 only');
    const lines = [entry(2), entry(1)].map((each) => JSON.stringify(each)).join('\n');
    const headers = { 'content-type': 'application/x-ndjson' };
    expect(await api.send('POST', '/v1/notifications', { key, body: lines, headers })).toMatchObject({
      status: 207,
      body: { accepted: 2, errors: [{ index: 0, code: 'CONTEXT_REFUSED' }] },
    });
    const others = { notifications: [entry(2)] };
    expect((await api.send('POST', '/v1/notifications', { key, body: others })).status).toBe(422);
  });

  it('answers Dovecot in the same way for a login in another context and for an unknown login', async () => {
    const mail = { event: 'messageNew', folder: 'INBOX', 'imap-uid': 1 };
    const windows = async () => (await api.redis.keys(`*${api.redisPrefix}*`)).length;
    const before = await windows();
    for (const user of ['login-2', 'nobody']) {
      const answer = await api.send('PUT', '/preliminary/http-notify/v1/notify', { key, body: { ...mail, user } });
      expect(answer).toMatchObject({ status: 200, body: { success: true } });
    }
    expect(await windows()).toBe(before);
  });

  it('ends sessions of its own context only', async () => {
    const made = await api.send('POST', '/v1/sessions', { key, body: { context: 1, user: 5 } });
    const foreign = owned.get(2)?.session ?? '';
    expect((await api.send('DELETE', `/v1/sessions/${made.body['id'] as string}`, { key })).status).toBe(204);
    for (const id of [foreign, `1.${foreign}`, foreign.split('.')[0], 'of-a-provider']) {
      expect((await api.send('DELETE', `/v1/sessions/${id}`, { key })).status).toBe(403);
    }
  });
});

it('a key for several contexts is valid for each of them', async () => {
  const several = await makeKey({ contexts: [3, 2, 3] });
  for (const [context, status] of [
    [2, 200],
    [3, 200],
    [1, 403],
  ] as const) {
    expect((await api.send('GET', `/v1/subscriptions?context=${context}`, { key: several })).status).toBe(status);
  }
});

it('a key is deleted with its only context', async () => {
  const last = await makeKey({ contexts: [4] });
  expect((await api.send('DELETE', '/v1/contexts/4', { key: last })).status).toBe(204);
  expect((await api.send('GET', '/v1/subscriptions?context=4', { key: last })).status).toBe(401);
});

describe('a key that expires', () => {
  const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

  it('is refused from this time on with its own code, also where it is cached', async () => {
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

  it('creates no key that expires later than itself', async () => {
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
