import { EndpointSweep } from '@pns/housekeeping';
import { EndpointStore } from '@pns/persistence';
import { DataSource } from 'typeorm';
import { testApi, type TestAnswer, type TestApi } from '../testing/test-api';

const dayMs = 86_400_000;

const files = {
  'webhooks.yml': `
crm: {uri: https://crm.example.com/hooks, allowSharedUri: true}
erp: {uri: https://erp.example.com/hooks, allowSharedUri: true}
`,
  'pns.properties': 'com.openexchange.webhooks.enabledIds=crm, erp\n',
};

interface View {
  readonly id: string;
  readonly client: string;
  readonly state: string;
  readonly subscriptions: readonly { readonly context: number; readonly user: number }[];
}

interface List {
  readonly items: readonly View[];
  readonly nextCursor?: string;
}

let api: TestApi;
let store: EndpointStore;
/** A key for context 1 only. */
let key: string;
const now = Date.now();

const uri = (client: string, name: string) => `https://${client}.example.com/hooks/${name}?secret=hidden`;

beforeAll(async () => {
  api = await testApi({ files });
  store = api.app.get(EndpointStore, { strict: false });
  const body = { name: 'one', scopes: ['admin'], contexts: [1] };
  key = String((await api.send('POST', '/v1/api-keys', { body })).body['key']);
});

afterAll(() => api.close());

function subscribe(context: number, client: string, name: string): Promise<TestAnswer<Record<string, unknown>>> {
  const body = { context, user: 14, client, transport: 'webhook', token: uri(client, name), topics: ['*'] };
  return api.send('POST', '/v1/subscriptions', { body });
}

/** Records that an endpoint has failed since `at`. */
function fail(client: string, name: string, at: number, until?: number): Promise<void> {
  const [origin, reason] = [`https://${client}.example.com`, 'The endpoint answered 500.'];
  return store.recordFailures('webhook', [{ client, token: uri(client, name), origin, reason, at, until }]);
}

/** Sets the times of first records a second apart, because the list is ordered by these times and they can be equal in a test. */
async function recordedASecondApart(): Promise<void> {
  await api.app.get(DataSource, { strict: false }).query(
    `UPDATE endpoints SET created_at = created_at + interval '1 second' *
       CASE WHEN off_at IS NOT NULL THEN 0 WHEN client = 'crm' THEN 1 ELSE 2 END`,
  );
}

/** Switches off all endpoints that have failed for five days. */
async function switchOff(): Promise<void> {
  for (const [from, to] of [
    [0, 50],
    [50, 70],
    [70, 90],
    [90, 100],
  ] as const) {
    const since = now - (5 * dayMs * to) / 100;
    await store.step({ transport: 'webhook', from, to, since, at: now, disableAfterMs: 5 * dayMs });
  }
}

const list = async (query: string, as?: string) =>
  (await api.send<List>('GET', `/v1/endpoints?${query}`, as === undefined ? {} : { key: as })).body;

beforeAll(async () => {
  await subscribe(1, 'crm', 'shared');
  await subscribe(2, 'crm', 'shared');
  await subscribe(2, 'crm', 'two');
  await subscribe(1, 'erp', 'one');
  await fail('crm', 'shared', now - 5 * dayMs);
  await fail('crm', 'shared', now);
  await switchOff();
  await fail('crm', 'two', now - 1000);
  await fail('erp', 'one', now, now + dayMs);
  await recordedASecondApart();
});

it('lists endpoints that fail, are deferred or are switched off, since when and why, without their URIs', async () => {
  const { body } = await api.send('GET', '/v1/endpoints');
  const since = (ms: number) => new Date(ms).toISOString();
  expect(body['items']).toEqual([
    {
      ...{ id: expect.any(String) as string, transport: 'webhook', client: 'crm', origin: 'https://crm.example.com' },
      ...{ state: 'off', since: since(now - 5 * dayMs), lastFailedAt: since(now), switchedOffAt: since(now) },
      ...{ reason: 'The endpoint answered 500.', warnedPercent: 100 },
      subscriptions: expect.arrayContaining([expect.objectContaining({ context: 2, user: 14 })]) as unknown,
    },
    expect.objectContaining({
      state: 'failing',
      since: since(now - 1000),
      switchesOffAt: since(now - 1000 + 5 * dayMs),
    }),
    expect.objectContaining({ client: 'erp', state: 'deferred', since: since(now), deferredUntil: since(now + dayMs) }),
  ]);
  expect(JSON.stringify(body)).not.toContain('hidden');
});

it.each([
  ['state=off', ['crm off']],
  ['state=failing', ['crm failing']],
  ['state=deferred&transport=webhook', ['erp deferred']],
  ['client=erp', ['erp deferred']],
  ['context=2', ['crm off', 'crm failing']],
  ['transport=webpush', []],
])('filters by %s', async (query, found) => {
  expect((await list(query)).items.map(({ client, state }) => `${client} ${state}`)).toEqual(found);
});

it('has pages', async () => {
  const first = await list('limit=2');
  const second = await list(`limit=2&cursor=${first.nextCursor}`);
  expect([first.items.length, second.items.length, second.nextCursor]).toEqual([2, 1, undefined]);
});

it('shows a restricted key only the endpoints and subscriptions of its context', async () => {
  const { items } = await list('context=1', key);
  expect(items.map(({ client, state }) => `${client} ${state}`)).toEqual(['crm off', 'erp deferred']);
  expect(items.flatMap(({ subscriptions }) => subscriptions.map(({ context }) => context))).toEqual([1, 1]);
  expect(await api.send('GET', '/v1/endpoints', { key })).toMatchObject({ status: 403 });
  expect(await api.send('GET', '/v1/endpoints?context=2', { key })).toMatchObject({ status: 403 });
});

it.each<[string, object]>([
  ['nothing named', {}],
  ['an id that is none', { ids: ['x'] }],
  ['no ids', { ids: [] }],
  ['an unknown field', { state: 'off' }],
])('switches nothing on with %s', async (_, body) => {
  expect(await api.send('POST', '/v1/endpoints/enable', { body })).toMatchObject({
    ...{ status: 422, body: { code: 'BODY_INVALID' } },
  });
});

it('switches on what matches and is switched off, for a restricted key only in its context', async () => {
  const [{ id = '' } = {}] = (await list('state=off')).items;
  const enable = (body: object, as?: string) =>
    api.send('POST', '/v1/endpoints/enable', { body, ...(as === undefined ? {} : { key: as }) });
  expect(await enable({ ids: [id], context: 2 }, key)).toMatchObject({ status: 403 });
  expect((await enable({ ids: [id], context: 3 })).body).toEqual({ enabled: 0 });
  expect((await enable({ ids: [id.toUpperCase()], context: 1 }, key)).body).toEqual({ enabled: 1 });
  expect((await enable({ client: 'crm' })).body).toEqual({ enabled: 0 });
  expect((await list('state=off')).items).toEqual([]);
});

it('is on again when one of its users registers it again, and stays on the list of failing ones until then', async () => {
  await fail('crm', 'shared', now - 5 * dayMs);
  await fail('crm', 'shared', now);
  await switchOff();
  await subscribe(2, 'crm', 'two');
  expect((await list('state=off')).items).toHaveLength(1);
  await subscribe(2, 'crm', 'shared');
  expect((await list('state=off')).items).toEqual([]);
  expect((await list('state=failing')).items).toHaveLength(1);
});

it('leaves the list when its last subscription is deleted', async () => {
  await api.send('DELETE', '/v1/subscriptions?context=2');
  await api.app.get(EndpointSweep).sweep(Date.now() + dayMs / 2);
  expect((await list('')).items.map(({ client }) => client)).toEqual(['erp']);
});
