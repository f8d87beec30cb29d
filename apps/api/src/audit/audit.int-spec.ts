import { AuditSweep } from '@pns/housekeeping';
import { auditMask, AuditStore } from '@pns/persistence';
import { Client } from 'pg';
import { describedRoutes } from '../http/testing/described-routes';
import { testApi, type TestApi } from '../testing/test-api';

interface Entry {
  readonly id: string;
  readonly at: string;
  readonly key: { readonly id: string; readonly name: string };
  readonly action: string;
  readonly resource: string;
  readonly context?: number;
  readonly user?: number;
  readonly requestId: string;
  readonly status?: number;
  readonly before?: Record<string, unknown>;
  readonly after?: Record<string, unknown>;
}

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

async function entries(query = '', key?: string): Promise<Entry[]> {
  const { status, body } = await api.send<{ items: Entry[] }>(
    'GET',
    `/v1/audit?limit=500&${query}`,
    key ? { key } : {},
  );
  expect([status, body]).toEqual([200, expect.anything()]);
  return body.items;
}

/** Sends a write and returns the new audit entries, newest first. */
async function write(method: string, path: string, body?: object, key?: string) {
  const known = new Set((await entries()).map(({ id }) => id));
  const answer = await api.send(method, path, { ...(body && { body }), ...(key && { key }) });
  return { answer, left: (await entries()).filter(({ id }) => !known.has(id)) };
}

async function query(sql: string): Promise<void> {
  const client = new Client({ connectionString: api.database.url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

async function makeKey(body: object): Promise<{ id: string; key: string }> {
  const answer = await api.send('POST', '/v1/api-keys', { body: { name: 'a key', scopes: ['admin'], ...body } });
  expect(answer.status).toBe(201);
  return { id: String(answer.body['id']), key: String(answer.body['key']) };
}

const property = 'com.openexchange.pns.delayDuration';

async function subscribe(context: number, user: number, more: object = {}): Promise<string> {
  const body = {
    context,
    user,
    client: 'app',
    transport: 'apns',
    token: Buffer.from(`device-${context}-${user}`).toString('hex'),
    topics: ['*'],
    ...more,
  };
  return String((await api.send('POST', '/v1/subscriptions', { body })).body['id']);
}

/** A successful request for every route with which an administrator writes. */
const samples: Readonly<Record<string, () => Promise<[path: string, body?: object]>>> = {
  'POST /v1/api-keys': () => Promise.resolve(['/v1/api-keys', { name: 'x', scopes: ['ingest'] }]),
  'DELETE /v1/api-keys/{id}': async () => [`/v1/api-keys/${(await makeKey({})).id}`],
  'POST /v1/sessions': () => Promise.resolve(['/v1/sessions', { context: 1, user: 5 }]),
  'DELETE /v1/sessions/{id}': () => Promise.resolve(['/v1/sessions/some-session']),
  'POST /v1/subscriptions': () =>
    Promise.resolve([
      '/v1/subscriptions',
      { context: 1, user: 5, client: 'a', transport: 'apns', token: 'aa', topics: ['*'] },
    ]),
  'PATCH /v1/subscriptions/{id}': async () => [`/v1/subscriptions/${await subscribe(1, 6)}`, { topics: ['ox:test'] }],
  'DELETE /v1/subscriptions/{id}': async () => [`/v1/subscriptions/${await subscribe(1, 7)}`],
  'POST /v1/subscriptions/{id}/test': async () => [`/v1/subscriptions/${await subscribe(1, 8)}/test`],
  'POST /v1/deliveries/retry': () => Promise.resolve(['/v1/deliveries/retry', { context: 1 }]),
  'DELETE /v1/deliveries': () => Promise.resolve(['/v1/deliveries?context=1']),
  'POST /v1/endpoints/enable': () => Promise.resolve(['/v1/endpoints/enable', { context: 1 }]),
  'POST /v1/secrets/rotate': () => Promise.resolve(['/v1/secrets/rotate']),
  'DELETE /v1/subscriptions': () => Promise.resolve(['/v1/subscriptions?context=1&user=9']),
  'PUT /v1/contexts/{context}': () => Promise.resolve(['/v1/contexts/1', { tags: ['a'] }]),
  'DELETE /v1/contexts/{context}': () => Promise.resolve(['/v1/contexts/2']),
  'DELETE /v1/contexts/{context}/users/{user}': () => Promise.resolve(['/v1/contexts/1/users/77']),
  'PUT /v1/contexts/{context}/users/{user}': () => Promise.resolve(['/v1/contexts/1/users/5', { logins: ['five'] }]),
  'PUT /v1/config/context-sets/{set}': () => Promise.resolve(['/v1/config/context-sets/s', { rank: 1, withTags: 'a' }]),
  'DELETE /v1/config/context-sets/{set}': async () => {
    await api.send('PUT', '/v1/config/context-sets/gone', { body: { rank: 1, withTags: 'a' } });
    return ['/v1/config/context-sets/gone'];
  },
  'PUT /v1/clients/{client}/transports/{transport}': () =>
    Promise.resolve(['/v1/clients/sandbox/transports/webhook', { uri: 'https://example.com/' }]),
  'DELETE /v1/clients/{client}/transports/{transport}': async () => {
    await api.send('PUT', '/v1/clients/gone/transports/webhook', {
      body: { uri: 'https://example.com/' },
    });
    return ['/v1/clients/gone/transports/webhook'];
  },
  ...Object.fromEntries(
    ['server', 'context-sets/{set}', 'contexts/{context}', 'contexts/{context}/users/{user}'].flatMap((scope) => {
      const values: Readonly<Record<string, string>> = { set: 'known', context: '1', user: '5' };
      const place = `/v1/config/${scope.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '')}/properties/${property}`;
      const sample = async (body?: object): Promise<[string, object?]> => {
        await api.send('PUT', '/v1/config/context-sets/known', { body: { rank: 1, withTags: 'a' } });
        await api.send('PUT', place, { body: { value: 7 } });
        return [place, ...(body === undefined ? [] : [body])] as [string, object?];
      };
      const route = `/v1/config/${scope}/properties/{name}`;
      return [
        [`PUT ${route}`, () => sample({ value: 8 })],
        [`DELETE ${route}`, () => sample()],
      ] as [string, () => Promise<[string, object?]>][];
    }),
  ),
};

it('records a write through every route of administrators', async () => {
  const writing = (await describedRoutes(api)).filter(
    ({ method, scopes }) => method !== 'GET' && scopes.includes('admin'),
  );
  expect(writing.length).toBeGreaterThan(15);
  const routes = writing.map(({ method, path }) => `${method} ${path}`);
  expect(routes.filter((route) => samples[route] === undefined)).toEqual([]); // fails for a new route until it has a sample
  for (const route of routes) {
    const [path, body] = (await samples[route]?.()) ?? [''];
    const { answer, left } = await write(route.slice(0, route.indexOf(' ')), path, body);
    const [entry] = left;
    expect([route, answer.status, left.length]).toEqual([route, expect.any(Number), 1]);
    expect([route, answer.status < 300 || answer.status === 504]).toEqual([route, true]); // 504: no worker sends the test push
    expect(entry).toMatchObject({ action: route, status: answer.status, key: { id: 'bootstrap', name: 'bootstrap' } });
    if (/PATCH|properties|DELETE .*(sets|keys|transport|subscriptions\/)/.test(route)) {
      expect([route, entry?.before]).toEqual([route, expect.any(Object)]);
    }
  }
});

it('contains the key, the action, the state before and after, the user and the request id', async () => {
  const { id, key } = await makeKey({ name: 'Jane' });
  const path = `/v1/config/contexts/3/users/4/properties/${property}`;
  await api.send('PUT', path, { body: { value: 1 } });
  const from = Date.now();
  const headers = { 'x-request-id': 'abc-1' };
  const answer = await api.send('PUT', path, { key, body: { value: 2, final: 'context' }, headers });
  expect(answer.headers.get('x-request-id')).toBe('abc-1');
  const [entry] = await entries('context=3');
  expect(entry).toEqual({
    id: expect.any(String) as string,
    at: expect.any(String) as string,
    key: { id, name: 'Jane' },
    action: 'PUT /v1/config/contexts/{context}/users/{user}/properties/{name}',
    resource: path,
    context: 3,
    user: 4,
    requestId: 'abc-1',
    status: 200,
    before: { name: property, value: 1 },
    after: { name: property, value: 2, final: 'context' },
  });
  expect(Date.parse(entry?.at ?? '')).toBeGreaterThanOrEqual(from - 1000);
  const { left } = await write('DELETE', path);
  expect(left[0]).toMatchObject({ status: 204, before: { value: 2 } });
  expect(left[0]).not.toHaveProperty('after');
  const odd = await api.send('DELETE', path, { headers: { 'x-request-id': 'a b' } });
  expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

it('shows the subscription that a registration replaced, and all that a filter removed', async () => {
  const body = { context: 4, user: 1, client: 'app', transport: 'apns', token: 'aa11', topics: ['a'] };
  await api.send('POST', '/v1/subscriptions', { body });
  const { left } = await write('POST', '/v1/subscriptions', { ...body, topics: ['b'] });
  expect(left[0]).toMatchObject({
    context: 4,
    user: 1,
    before: { items: [{ topics: ['a'] }] },
    after: { topics: ['b'] },
  });
  await subscribe(4, 1);
  const removed = await write('DELETE', '/v1/subscriptions?context=4&user=1');
  expect(removed.left[0]).toMatchObject({ resource: '/v1/subscriptions?context=4&user=1', after: { removed: 2 } });
  expect(removed.left[0]?.before?.['items']).toHaveLength(2);
});

it('stores no list of several users', async () => {
  await subscribe(4, 2);
  const { left } = await write('DELETE', '/v1/subscriptions?client=app&context=4');
  expect(left[0]).toMatchObject({ context: 4, after: { removed: 1 } });
  expect(left[0]).not.toHaveProperty('before');
});

it('contains no secret, neither in the answers nor in the table', async () => {
  const secrets = {
    device: 'ab47110815',
    meta: 'meta-secret-4711',
    query: 'query-secret-4711',
    credentials: 'webhook-secret-4711',
  };
  const of = { context: 5, user: 1, client: 'app', topics: ['*'] };
  const device = { ...of, transport: 'apns', token: secrets.device, meta: { header: secrets.meta } };
  const { body } = await api.send('POST', '/v1/subscriptions', { body: device });
  await api.send('POST', '/v1/subscriptions', { body: device });
  await api.send('PATCH', `/v1/subscriptions/${body['id'] as string}`, { body: { meta: { other: secrets.meta } } });
  await api.send('DELETE', `/v1/subscriptions?context=5&user=1&token=${secrets.device}`);
  const session = await api.send('POST', '/v1/sessions', { body: { context: 5, user: 1 } });
  const { key } = await makeKey({});
  for (const uri of ['https://example.com/a', 'https://example.com/b']) {
    const options = { uri: `${uri}?code=${secrets.query}`, webhookSecret: secrets.credentials };
    await api.send('PUT', '/v1/clients/secretive/transports/webhook', { body: options });
  }
  const kept = JSON.stringify([await entries(), (await api.contents())['audit_entries']]);
  for (const secret of [...Object.values(secrets), session.body['token'] as string, key])
    expect(kept).not.toContain(secret);
  const [removal] = await entries('context=5&action=DELETE /v1/subscriptions');
  expect(removal?.before).toMatchObject({ items: [{ token: auditMask(secrets.device) }] });
  expect(removal?.resource).toContain(encodeURIComponent(auditMask(secrets.device)));
});

it('records no refused write, and no write by a key without scope admin', async () => {
  expect((await write('PUT', `/v1/config/server/properties/${property}`, { value: 'soon' })).left).toEqual([]);
  expect((await write('DELETE', '/v1/config/context-sets/nowhere')).left).toEqual([]);
  const { key } = await makeKey({ scopes: ['client'] });
  const { answer, left } = await write('POST', '/v1/sessions', { context: 1, user: 5 }, key);
  expect([answer.status, left]).toEqual([201, []]);
});

it('refuses a write that cannot be recorded', async () => {
  const path = `/v1/config/contexts/6/properties/${property}`;
  await query('ALTER TABLE audit_entries RENAME TO elsewhere');
  const answer = await api.send('PUT', path, { body: { value: 1 } });
  await query('ALTER TABLE elsewhere RENAME TO audit_entries');
  expect(answer).toMatchObject({ status: 500, body: { code: 'INTERNAL' } });
  expect((await api.send('GET', path)).status).toBe(404);
});

it('keeps the entry of a write whose result could not be recorded', async () => {
  await query('ALTER TABLE audit_entries ADD CONSTRAINT broken CHECK (status IS NULL) NOT VALID');
  const { answer, left } = await write('PUT', `/v1/config/contexts/6/properties/${property}`, { value: 1 });
  await query('ALTER TABLE audit_entries DROP CONSTRAINT broken');
  expect(answer.status).toBe(200);
  expect(left).toHaveLength(1);
  expect(left[0]).not.toHaveProperty('status');
});

it('is listed page by page, newest first, and by context, user, key, action, resource and time', async () => {
  const { id, key } = await makeKey({ name: 'reader' });
  for (const value of [1, 2, 3, 4, 5]) {
    await api.send('PUT', `/v1/config/contexts/70/users/${(value % 2) + 1}1/properties/${property}`, {
      key,
      body: { value },
    });
  }
  await api.send('PUT', '/v1/contexts/70_1/users/1', { key, body: {} });
  const all = await entries(`key=${id}`);
  expect(all.map(({ after }) => after?.['value'])).toEqual([5, 4, 3, 2, 1]);
  const seen: string[] = [];
  let cursor: string | undefined = '';
  while (cursor !== undefined) {
    const page: { items: Entry[]; nextCursor?: string } = (
      await api.send<{ items: Entry[]; nextCursor?: string }>(
        'GET',
        `/v1/audit?key=${id}&limit=2${cursor && `&cursor=${cursor}`}`,
      )
    ).body;
    seen.push(...page.items.map((entry) => entry.id));
    cursor = page.nextCursor;
  }
  expect(seen).toEqual(all.map((entry) => entry.id));
  const counts = async (...queries: string[]) =>
    Promise.all(queries.map(async (each) => (await entries(`key=${id}&${each}`)).length));
  expect(await counts('context=70', 'context=71', 'user=21', 'user=11')).toEqual([5, 0, 3, 2]);
  expect(await counts('resource=/v1/config/contexts/70', 'resource=/v1/config/contexts/7', 'resource=/v1/%')).toEqual([
    5, 0, 0,
  ]);
  const action = encodeURIComponent('PUT /v1/config/contexts/{context}/users/{user}/properties/{name}');
  expect(await counts(`action=${action}`, 'action=PUT')).toEqual([5, 0]);
  const middle = encodeURIComponent(all[2]?.at ?? '');
  const [later = 0, earlier = 0] = await counts(`since=${middle}`, `until=${middle}`);
  expect(later + earlier).toBe(5);
  expect(later).toBeGreaterThanOrEqual(3);
  expect((await entries('key=bootstrap')).every((entry) => entry.key.id === 'bootstrap')).toBe(true);
});

it.each(['key=me', 'since=yesterday', 'context=0', 'cursor=x', 'limit=501', 'who=me'])(
  'refuses the query %s',
  async (bad) => {
    expect((await api.send('GET', `/v1/audit?${bad}`)).status).toBe(400);
  },
);

it('shows a restricted key only the entries of its contexts', async () => {
  for (const context of [80, 81]) await api.send('PUT', `/v1/contexts/${context}/users/1`, { body: {} });
  const { key } = await makeKey({ contexts: [80] });
  expect((await entries('', key)).map(({ context }) => context)).toEqual([80]);
  expect((await api.send('GET', '/v1/audit?context=81', { key })).status).toBe(403);
});

it('masks an erased user, and then an erased context, and keeps the entries of writes', async () => {
  const { id, key } = await makeKey({ name: 'eraser' });
  for (const user of [918274, 918275]) {
    await api.send('PUT', `/v1/contexts/918273/users/${user}`, { key, body: { primaryEmail: `${user}@example.com` } });
  }
  const restricted = await makeKey({ contexts: [918273] });
  const both = await makeKey({ contexts: [918273, 1] });
  expect((await api.send('GET', '/v1/subscriptions?context=918273', { key: both.key })).status).toBe(200);
  const rows = async () => JSON.stringify(await api.contents());
  expect((await api.send('DELETE', '/v1/contexts/918273/users/918274', { key })).status).toBe(204);
  expect(await rows()).not.toContain('918274');
  expect(await rows()).toContain('918275@example.com');
  const late = (await entries(`key=${id}`)).find(
    ({ action, resource }) => action.startsWith('PUT') && resource === auditMask('918273/918274'),
  );
  const audit = api.app.get(AuditStore, { strict: false });
  await audit.complete(late?.id ?? '', 200, { primaryEmail: '918274@example.com' }); // an answer that arrives late
  expect(await rows()).not.toContain('918274');
  expect((await api.send('DELETE', '/v1/contexts/918273', { key })).status).toBe(204);
  expect(await rows()).not.toMatch(/91827\d/);
  const [ofUser, ofContext] = ['/v1/contexts/{context}/users/{user}', '/v1/contexts/{context}'];
  expect((await entries(`key=${id}`)).map(({ resource, action, status }) => [action, resource, status])).toEqual([
    [`DELETE ${ofContext}`, auditMask('918273'), 204],
    [`DELETE ${ofUser}`, auditMask('918273/918274'), 204],
    [`PUT ${ofUser}`, auditMask('918273'), 200],
    [`PUT ${ofUser}`, auditMask('918273/918274'), 200],
  ]);
  expect((await api.send('GET', '/v1/subscriptions?context=918273', { key: restricted.key })).status).toBe(401);
  expect((await api.send('GET', '/v1/subscriptions?context=918273', { key: both.key })).status).toBe(403);
  expect((await api.send('GET', '/v1/subscriptions?context=1', { key: both.key })).status).toBe(200);
});

it('removes entries that are older than the retention', async () => {
  await api.send('PUT', '/v1/contexts/90/users/1', { body: {} });
  await api.send('PUT', '/v1/contexts/90/users/2', { body: {} });
  await query(`UPDATE audit_entries SET at = now() - interval '366 days' WHERE context_id = 90 AND user_id = 1`);
  await api.app.get(AuditSweep).sweep();
  expect((await entries('context=90')).map(({ user }) => user)).toEqual([2]);
  const day = 24 * 60 * 60 * 1000;
  await api.send('PUT', '/v1/config/server/properties/com.openexchange.pns.audit.retention', { body: { value: day } });
  await query(`UPDATE audit_entries SET at = now() - interval '25 hours' WHERE context_id = 90`);
  await api.app.get(AuditSweep).sweep();
  expect(await entries('context=90')).toEqual([]);
});
