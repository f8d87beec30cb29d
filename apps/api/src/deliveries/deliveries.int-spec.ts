import { randomUUID } from 'node:crypto';
import { FailedDeliveryStore, type FailedDelivery } from '@pns/persistence';
import { deliveryQueue, Queues, type DeliveryJob } from '@pns/queue';
import type { Delivery } from '@pns/transport-contract';
import { Client } from 'pg';
import { testApi, type TestApi } from '../testing/test-api';

let api: TestApi;
let store: FailedDeliveryStore;

beforeAll(async () => {
  api = await testApi();
  store = api.app.get(FailedDeliveryStore, { strict: false });
});
afterAll(() => api.close());

const secret = 'token-that-no-answer-contains';

function failed(id: string, changes: Partial<Delivery> = {}, more: Partial<FailedDelivery> = {}): FailedDelivery {
  const who = {
    context: 1,
    user: 14,
    client: 'mail.app',
    transport: 'apns',
    token: secret,
    topic: 'ox:mail:new',
  } as const;
  const what = {
    payload: { subject: secret },
    priority: 'high',
    count: 1,
    timestamp: 1,
    dueAt: 1,
    attempt: 10,
  } as const;
  const delivery = { id, notificationId: `n-${id}`, subscriptionId: randomUUID(), ...who, ...what, ...changes };
  return { delivery, outcome: 'rejected', reason: 'PayloadTooLarge', isHeld: false, failedAt: 1000, ...more };
}

interface List {
  readonly items: readonly { readonly id: string }[];
  readonly nextCursor?: string;
}

const idsOf = async (query: string): Promise<string[]> =>
  (await api.send<List>('GET', `/v1/deliveries?${query}`)).body.items.map(({ id }) => id);

it('lists failed deliveries page by page, without token and payload', async () => {
  const ids = Array.from({ length: 5 }, (_, index) => `page-${index}`);
  await store.record(ids.map((id, index) => failed(id, { context: 2 }, { failedAt: 1000 + Math.floor(index / 2) })));
  const first = await api.send<List>('GET', '/v1/deliveries?context=2&limit=3');
  expect(first.body.items[0]).toMatchObject({
    id: 'page-0',
    notification: 'n-page-0',
    client: 'mail.app',
    transport: 'apns',
    outcome: 'rejected',
    reason: 'PayloadTooLarge',
    isHeld: false,
    attempts: 10,
    failedAt: '1970-01-01T00:00:01.000Z',
  });
  const rest = await idsOf(`context=2&limit=3&cursor=${first.body.nextCursor}`);
  expect([...first.body.items.map(({ id }) => id), ...rest]).toEqual(ids);
  expect(JSON.stringify(first)).not.toContain(secret);
});

it.each([
  ['outcome=gone', 'by-outcome', {}, { outcome: 'gone' }],
  ['transport=wns', 'by-transport', { transport: 'wns' }, {}],
  ['transport=gcm', 'by-alias', { transport: 'fcm' }, {}],
  ['client=other.app', 'by-client', { client: 'other.app' }, {}],
  ['context=7&user=3', 'by-user', { context: 7, user: 3 }, {}],
  ['topic=ops:alert', 'by-topic', { topic: 'ops:alert' }, {}],
  ['notification=n-of-interest', 'by-notification', { notificationId: 'n-of-interest' }, {}],
  [`notification=${'n'.repeat(255)}`, 'by-longest', { notificationId: 'n'.repeat(255) }, {}],
] as [string, string, Partial<Delivery>, Partial<FailedDelivery>][])(
  'finds failed deliveries by %s',
  async (query, id, changes, more) => {
    await store.record([failed('somebody-else', { context: 9 }), failed(id, changes, more)]);
    expect(await idsOf(query)).toEqual([id]);
  },
);

it('puts the selected deliveries back into their queues, with all attempts, and removes them from the list', async () => {
  await store.record([
    failed('again-1', { context: 3 }),
    failed('again-2', { context: 3, transport: 'webhook', token: 'https://example.com/a' }),
    failed('left', { context: 4 }),
  ]);
  expect((await api.send('POST', '/v1/deliveries/retry', { body: { context: 3 } })).body).toEqual({
    retried: 2,
    hasMore: false,
  });
  expect(await idsOf('context=3')).toEqual([]);
  expect(await idsOf('context=4')).toEqual(['left']);
  const queues = api.app.get(Queues, { strict: false });
  const jobs = await Promise.all(
    (['apns', 'webhook'] as const).map(async (transport) => {
      const group = queues.keys.group(queues.keys.shardOf(3, 14));
      const [job] = await queues.queue<DeliveryJob>(group, deliveryQueue(transport)).getWaiting();
      return job?.data;
    }),
  );
  expect(jobs).toMatchObject([
    { endpoint: 'mail.app', deliveries: [{ id: 'again-1', attempt: 1 }] },
    { endpoint: 'https://example.com', deliveries: [{ id: 'again-2', attempt: 1 }] },
  ]);
});

it.each<[string, unknown, string]>([
  ['nothing named', {}, 'ids'],
  ['an id that is none', { ids: ["' OR 1=1"] }, 'ids.0'],
  ['no ids', { ids: [] }, 'ids'],
  ['an outcome that is none', { outcome: 'delivered' }, 'outcome'],
  ['an unknown field', { isHeld: true }, 'isHeld'],
  ['a time that is none', { failedBefore: 'yesterday' }, 'failedBefore'],
])('does not retry with %s', async (_, body, field) => {
  const answer = await api.send('POST', '/v1/deliveries/retry', { body });
  expect(answer).toMatchObject({ status: 422, body: { code: 'BODY_INVALID' } });
  expect(answer.body['detail']).toContain(field);
});

it.each(['outcome=delivered', 'context=0', 'cursor=AAAA', 'limit=501', 'isHeld=true'])(
  'does not list by %s',
  async (query) => {
    expect((await api.send('GET', `/v1/deliveries?${query}`)).status).toBe(400);
  },
);

it('deletes the selected deliveries, which cannot be sent again', async () => {
  const ids = ['kept-1', 'deleted-1', 'deleted-2', 'deleted-3'] as const;
  await store.record(ids.map((id, index) => failed(id, { context: 21, user: index + 1 })));
  await store.record([failed('deleted-4', { context: 22 }), failed('other', { context: 23 })]);
  const remove = (query: string) => api.send('DELETE', `/v1/deliveries?${query}`);
  expect((await remove('context=21&id=deleted-1')).body).toEqual({ removed: 1, hasMore: false });
  expect((await remove('id=deleted-2&id=deleted-3&id=unknown')).body).toEqual({ removed: 2, hasMore: false });
  expect((await remove('context=22')).body).toEqual({ removed: 1, hasMore: false });
  expect(await idsOf('context=21')).toEqual(['kept-1']);
  expect(await idsOf('id=other&id=kept-1')).toEqual(['kept-1', 'other']);
  expect((await api.send('POST', '/v1/deliveries/retry', { body: { ids: ['deleted-1'] } })).body).toEqual({
    retried: 0,
    hasMore: false,
  });
});

it.each(['', '?id=', "?id=' OR 1=1", '?limit=5', `?${Array.from({ length: 101 }, () => 'id=a').join('&')}`])(
  'deletes nothing with the query %s',
  async (query) => {
    await store.record([failed('stays', { context: 24 })]);
    expect((await api.send('DELETE', `/v1/deliveries${query}`)).status).toBe(400);
    expect(await idsOf('context=24')).toEqual(['stays']);
  },
);

it.each([
  ['sent again', 'retried', (filter: object) => api.send<Handled>('POST', '/v1/deliveries/retry', { body: filter })],
  [
    'deleted',
    'removed',
    (filter: object) =>
      api.send<Handled>('DELETE', `/v1/deliveries?${new URLSearchParams(filter as Record<string, string>).toString()}`),
  ],
] as const)('says that more match than one request has %s', async (name, count, request) => {
  const client = `many.${name.at(0)}`;
  const most = 10_000;
  await store.record([failed(`many-${count}`, { client })]);
  const sql = new Client({ connectionString: api.database.url });
  await sql.connect();
  await sql.query(
    `INSERT INTO failed_deliveries
     SELECT (jsonb_populate_record(f, jsonb_build_object(
       'delivery_id', f.delivery_id || n, 'delivery', jsonb_set(f.delivery::jsonb, '{id}', to_jsonb(f.delivery_id || n))))).*
     FROM failed_deliveries f, generate_series(1, $2::int) AS n WHERE f.client = $1`,
    [client, most],
  );
  await sql.end();
  const first = await request({ client });
  expect(first).toMatchObject({ status: 200, body: { [count]: most, hasMore: true } });
  const { failedBefore } = first.body;
  await store.record([failed(`later-${count}`, { client }, { failedAt: Date.now() + 60_000 })]);
  expect(await idsOf(`client=${client}&failedBefore=${failedBefore}`)).toHaveLength(1);
  expect((await request({ client, failedBefore })).body).toEqual({ [count]: 1, hasMore: false });
  expect(await idsOf(`client=${client}`)).toEqual([`later-${count}`]);
});

interface Handled {
  readonly hasMore: boolean;
  readonly failedBefore: string;
}
