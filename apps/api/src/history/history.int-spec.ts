import { setTimeout as pause } from 'node:timers/promises';
import { History } from '@pns/history';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { Client } from 'pg';
import { testApi, type TestAnswer, type TestApi } from '../testing/test-api';

interface View {
  readonly id: string;
  readonly producer?: string;
  readonly context: number;
  readonly user: number;
  readonly received: string;
  readonly deliveries: readonly { readonly outcome: string; readonly attempts: readonly object[] }[];
  readonly sentence: string;
  readonly others: readonly { readonly producer?: string; readonly context: number; readonly user: number }[];
}

interface List {
  readonly items: readonly View[];
  readonly nextCursor?: string;
}

let api: TestApi;
let history: History;
/** A key with scope admin for context 1. */
let restricted: string;

beforeAll(async () => {
  api = await testApi({ files: { 'pns.properties': 'com.openexchange.pns.history.quiet=none' } });
  history = api.app.get(History, { strict: false });
  const body = { name: 'some', scopes: ['admin'], contexts: [1] };
  restricted = String((await api.send('POST', '/v1/api-keys', { body })).body['key']);
});

afterAll(() => api.close());

async function post(context: number, user: number, more: object = {}): Promise<string> {
  const body = { context, user, topic: 'ox:test', payload: { secret: 'secret' }, ...more };
  const answer = await api.send<{ notifications: { id: string }[] }>('POST', '/v1/notifications', { body });
  expect(answer.status).toBe(202);
  return answer.body.notifications[0]?.id ?? '';
}

/** Records the outcome of a delivery, as a worker does. */
function deliver(of: { id: string; producer?: string; context: number; user: number }, outcome: Outcome): void {
  const delivery: Delivery = {
    ...{ id: `d-${of.id}`, notificationId: of.id, context: of.context, user: of.user, client: 'crm', token: 'secret' },
    ...{ transport: 'webhook', topic: 'ox:test', payload: {}, priority: 'high', count: 1, attempt: 1 },
    ...{ timestamp: Date.now(), dueAt: Date.now() },
    ...(of.producer !== undefined && { producer: of.producer }),
  };
  history.attempted([{ delivery, outcome, startedAt: Date.now(), durationMs: 4 }]);
}

async function until<Body>(
  path: string,
  isReady: (answer: TestAnswer<Body>) => boolean,
  request: object = {},
): Promise<TestAnswer<Body>> {
  for (;;) {
    const answer = await api.send<Body>('GET', path, request);
    if (isReady(answer)) return answer;
    await pause(20);
  }
}

it('shows an accepted notification, also by the id of its producer, and then each attempt', async () => {
  const own = await post(1, 1);
  const named = await post(1, 1, { id: 'mail-113' });
  expect(own).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  expect(named).toBe('mail-113');
  const { body } = await until<View>(`/v1/notifications/${own}`, ({ status }) => status === 200);
  expect(body).toMatchObject({ id: own, context: 1, user: 1, topic: 'ox:test', deliveries: [], gaps: [], others: [] });
  expect(body.sentence).toContain(`ox:test for user 1 in context 1 was received at ${body.received}`);
  deliver({ id: named, context: 1, user: 1 }, { kind: 'rejected', reason: 'answered 413' });
  const done = await until<View>('/v1/notifications/mail-113', (answer) => answer.body.deliveries?.length === 1);
  expect(done.body.deliveries).toMatchObject([
    {
      ...{ transport: 'webhook', client: 'crm', outcome: 'rejected', reason: 'answered 413' },
      attempts: [{ number: 1, durationMs: 4, outcome: 'rejected', at: expect.stringMatching(/Z$/) as string }],
    },
  ]);
  expect(JSON.stringify([body, done.body])).not.toContain('secret');
});

it('records nothing where the history is off', async () => {
  const silent = await post(1, 2, { topic: 'quiet' });
  const other = await post(1, 2);
  await until(`/v1/notifications/${other}`, ({ status }) => status === 200);
  const answer = await api.send('GET', `/v1/notifications/${silent}`);
  expect(answer).toMatchObject({ status: 404, body: { code: 'NOTIFICATION_NOT_FOUND' } });
});

it('shows a key for one context nothing of another one, and lists others with the same id', async () => {
  const body = { context: 2, users: [5, 6], topic: 'ox:test', payload: {}, id: 'same' };
  await api.send('POST', '/v1/notifications', { body });
  await pause(5); // so that the notification of context 1 is the newest
  await post(1, 5, { id: 'same' });
  const all = await until<View>('/v1/notifications/same', (answer) => answer.body.others?.length === 2);
  expect(all.body).toMatchObject({ context: 1, user: 5 });
  expect(all.body.others.map(({ context, user }) => `${context}/${user}`).sort()).toEqual(['2/5', '2/6']);
  const selected = await api.send<View>('GET', '/v1/notifications/same?context=2&user=6');
  expect(selected.body).toMatchObject({ context: 2, user: 6, others: [] });
  const key = { key: restricted };
  expect((await api.send<View>('GET', '/v1/notifications/same', key)).body).toMatchObject({ context: 1, others: [] });
  const foreign = await post(2, 9);
  await until(`/v1/notifications/${foreign}`, ({ status }) => status === 200);
  expect((await api.send('GET', `/v1/notifications/${foreign}`, key)).status).toBe(404);
  expect((await api.send('GET', '/v1/notifications/same?context=2', key)).status).toBe(403);
  expect((await api.send('GET', '/v1/notifications?context=2&user=5', key)).status).toBe(403);
  expect((await api.send('GET', '/v1/notifications?context=1&user=5', key)).status).toBe(200);
});

it('distinguishes CloudEvents of two sources, and another notification, with the same id', async () => {
  const of = { id: 'twin', context: 6, user: 1 };
  const sources = ['/mail/1', '/mail/2'];
  for (const source of sources) {
    const event = { specversion: '1.0', type: `ox:test${source.at(-1)}`, source, id: of.id, subject: '1@6', data: {} };
    const headers = { 'content-type': 'application/cloudevents+json' };
    const answer = await api.send('POST', '/v1/notifications', { body: event, headers });
    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, notifications: [{ id: 'twin' }] } });
  }
  await post(6, 1, { id: 'twin' });
  const all = await until<View>('/v1/notifications/twin', ({ body }) => body.others?.length === 2);
  expect([all.body, ...all.body.others].filter(({ producer }) => producer === undefined)).toHaveLength(1);
  const read = (source: string, isReady: (answer: TestAnswer<View>) => boolean) =>
    until<View>(`/v1/notifications/twin?source=${encodeURIComponent(source)}`, isReady);
  const [one, two] = await Promise.all(sources.map((source) => read(source, ({ status }) => status === 200)));
  expect([one, two]).toMatchObject([
    { body: { id: 'twin', topic: 'ox:test1', others: [] } },
    { body: { id: 'twin', topic: 'ox:test2', others: [] } },
  ]);
  deliver({ ...of, producer: String(one?.body.producer) }, { kind: 'delivered' });
  await read('/mail/1', ({ body }) => body.deliveries.length === 1);
  expect((await read('/mail/2', () => true)).body.deliveries).toEqual([]);
  expect((await api.send('GET', '/v1/notifications/twin?source=/mail/3')).status).toBe(404);
  const first = await api.send<List>('GET', '/v1/notifications?context=6&user=1&limit=1');
  const rest = await api.send<List>('GET', `/v1/notifications?context=6&user=1&cursor=${first.body.nextCursor}`);
  expect([...first.body.items, ...rest.body.items].map(({ id }) => id)).toEqual(['twin', 'twin', 'twin']);
});

it('lists page by page, as JSON and as CSV', async () => {
  const ids: string[] = [];
  for (const id of ['=p1', 'p,2', 'p"3']) ids.unshift(await post(3, 7, { id }));
  await until<List>('/v1/notifications?context=3&user=7', ({ body }) => body.items.length === 3);
  const first = await api.send<List>('GET', '/v1/notifications?context=3&user=7&limit=2');
  const rest = await api.send<List>('GET', `/v1/notifications?context=3&user=7&cursor=${first.body.nextCursor}`);
  expect([...first.body.items, ...rest.body.items].map(({ id }) => id)).toEqual(ids);
  const headers = { accept: 'text/csv' };
  const csv = await api.send<string>('GET', '/v1/notifications?context=3&user=7&limit=2', { headers });
  expect(csv.headers.get('content-type')).toContain('text/csv');
  expect(csv.body.split('\r\n').map((row) => row.split(',3,7')[0])).toEqual([
    'id,context,user,topic,received,aggregated,dispatched,joined,joinedInto,targets,delivered,sentence',
    '"p""3"',
    '"p,2"',
    '',
  ]);
  const [, next = ''] = /^<(.*)>; rel="next"$/.exec(csv.headers.get('link') ?? '') ?? [];
  expect((await api.send<string>('GET', next, { headers })).body).toContain("\r\n'=p1,3,7,");
});

it('counts by hour and day, by context, client and topic, and for the contexts of a key', async () => {
  const [one, other] = [await post(4, 1), await post(5, 1, { topic: 'ox:other' })];
  deliver({ id: one, context: 4, user: 1 }, { kind: 'delivered' });
  deliver({ id: one, context: 4, user: 1 }, { kind: 'gone', reason: 'answered 410' });
  deliver({ id: other, context: 5, user: 1 }, { kind: 'retry', reason: 'answered 500' });
  const path = (more: string) =>
    `/v1/usage?from=${new Date(Date.now() - 86_400_000).toISOString()}&to=${new Date(Date.now() + 3_600_000).toISOString()}${more}`;
  interface Usage {
    readonly items: readonly object[];
    readonly nextCursor?: string;
  }
  const sum = (items: readonly object[], of: string) =>
    items.reduce((all, item) => all + Number((item as Record<string, number>)[of]), 0);
  const counted = await until<Usage>(path('&context=4'), ({ body }) => sum(body.items, 'failed') === 1);
  expect(['notifications', 'delivered', 'suppressed'].map((of) => sum(counted.body.items, of))).toEqual([1, 1, 0]);
  const by = async (more: string, request: object = {}) =>
    (await api.send<Usage>('GET', path(more), request)).body.items;
  expect(await by('&context=4&by=client&per=day')).toMatchObject([{ client: 'crm', delivered: 1, failed: 1 }]);
  expect(await by('&context=5&by=topic&per=day')).toMatchObject([
    { topic: 'ox:other', notifications: 1, delivered: 0 },
  ]);
  const contexts = (await by('&by=context&per=day')).map((item) => (item as { context: number }).context);
  expect(contexts).toEqual(expect.arrayContaining([1, 2, 4, 5]));
  expect(await by('&context=1&by=context&per=day', { key: restricted })).toMatchObject([{ context: 1 }]);
  for (const foreign of ['&context=4', '']) {
    expect((await api.send('GET', path(foreign), { key: restricted })).status).toBe(403);
  }
  const first = await api.send<Usage>('GET', path('&by=context&per=day&limit=1'));
  const second = await api.send<Usage>('GET', path(`&by=context&per=day&limit=1&cursor=${first.body.nextCursor}`));
  expect([first, second].map(({ body }) => (body.items[0] as { context: number }).context)).toEqual(
    contexts.slice(0, 2),
  );
  const csv = await api.send<string>('GET', path('&context=4&by=client&per=day'), { headers: { accept: 'text/csv' } });
  expect(csv.body).toMatch(/^start,client,delivered,failed,suppressed\r\n\S+T00:00:00\.000Z,crm,1,1,0\r\n$/);
});

it.each(['', 'context=1', 'context=1&user=1&outcome=lost', 'context=1&user=1&since=yesterday', 'user=1&context=x'])(
  'refuses the query %j',
  async (query) => {
    expect((await api.send('GET', `/v1/notifications?${query}`)).body).toMatchObject({ code: 'QUERY_INVALID' });
  },
);

it.each(['', 'from=2026-01-01T00:00:00Z', 'from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z'])(
  'refuses to count for the query %j',
  async (query) => {
    expect((await api.send('GET', `/v1/usage?${query}`)).body).toMatchObject({ code: 'QUERY_INVALID' });
  },
);

it('leaves no row of an erased user or context, and those of the others', async () => {
  const erased = [await post(6, 1), await post(7, 1), await post(7, 2)];
  const kept = [await post(6, 2), await post(8, 1)];
  for (const id of erased) deliver({ id, context: 6, user: 1 }, { kind: 'delivered' });
  await until(`/v1/notifications/${kept[1]}`, ({ status }) => status === 200);
  // This record may still be in memory when the user is erased.
  deliver({ id: 'late', context: 6, user: 1 }, { kind: 'gone', reason: 'answered 410' });
  expect((await api.send('DELETE', '/v1/contexts/6/users/1')).status).toBe(204);
  expect((await api.send('DELETE', '/v1/contexts/7')).status).toBe(204);
  const sql = new Client({ connectionString: api.database.url });
  await sql.connect();
  try {
    const owners = async (table: string): Promise<string[]> => {
      const { rows } = await sql.query<{ owner: string }>(
        `SELECT DISTINCT context_id || '/' || user_id AS owner FROM ${table}`,
      );
      return rows.map(({ owner }) => owner);
    };
    const left = await owners('history_notifications');
    expect(left).toEqual(expect.arrayContaining(['6/2', '8/1']));
    const all = [...left, ...(await owners('history_windows')), ...(await owners('history_attempts'))];
    expect(all.filter((owner) => owner === '6/1' || owner.startsWith('7/'))).toEqual([]);
    const { rows } = await sql.query('SELECT 1 FROM usage_hours WHERE context_id = 7');
    expect(rows).toEqual([]);
  } finally {
    await sql.end();
  }
}, 30_000);
