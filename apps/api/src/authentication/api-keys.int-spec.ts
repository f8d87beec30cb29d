import { cuttableLink, testRedisUrl } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { testApi, type TestApi } from '../testing/test-api';
import { LastUses } from './last-uses';
import { RemovedKeys } from './removed-keys';

interface Key {
  readonly id: string;
  readonly name: string;
  readonly scopes: string[];
  readonly key?: string;
  readonly createdAt: string;
  readonly lastUsedAt?: string;
}

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

async function make(name: string, scopes: string[]): Promise<Key & { key: string }> {
  const { status, body } = await api.send<Key & { key: string }>('POST', '/v1/api-keys', { body: { name, scopes } });
  expect(status).toBe(201);
  return body;
}

async function statusFor(at: TestApi, key: string): Promise<number> {
  return (await at.send('GET', '/v1/subscriptions', { key })).status;
}

/** Resolves when the process receives announcements of removed keys. Until then, the process uses no cached keys. */
async function listening(at: TestApi): Promise<void> {
  await eventually('the process listens to announcements', () => at.app.get(RemovedKeys).isListening);
}

it('a key is shown once and stored as a hash', async () => {
  const made = await make('shown', ['client', 'ingest', 'client']);
  expect(made).toMatchObject({ name: 'shown', scopes: ['ingest', 'client'] });
  expect(made.key).toMatch(/^pns_[\w-]{43}$/);
  const { body } = await api.send<{ items: Key[] }>('GET', '/v1/api-keys');
  expect(body.items.find(({ id }) => id === made.id)).toEqual({
    id: made.id,
    name: 'shown',
    scopes: ['ingest', 'client'],
    createdAt: made.createdAt,
  });
  expect(JSON.stringify(await api.contents())).not.toContain(made.key.slice(4));
});

it('keys are listed page by page', async () => {
  for (const name of ['one', 'two', 'three']) await make(name, ['ingest']);
  const seen: string[] = [];
  let cursor: string | undefined = '';
  while (cursor !== undefined) {
    const page: { items: Key[]; nextCursor?: string } = (
      await api.send<{ items: Key[]; nextCursor?: string }>(
        'GET',
        `/v1/api-keys?limit=2${cursor && `&cursor=${cursor}`}`,
      )
    ).body;
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  }
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.length).toBeGreaterThanOrEqual(3);
});

describe('a key with scope admin', () => {
  const scopes = ['ingest', 'client', 'admin'];
  const subsets = scopes.reduce<string[][]>((sets, scope) => [...sets, ...sets.map((set) => [...set, scope])], [[]]);
  const makers = subsets.filter((set) => set.includes('admin'));
  const wanted = subsets.filter((set) => set.length > 0);

  async function makeBy(key: string, body: object): Promise<unknown[]> {
    const answer = await api.send('POST', '/v1/api-keys', { key, body: { name: 'made', scopes: ['admin'], ...body } });
    return [answer.status, answer.body['code']];
  }
  const refused = [403, 'API_KEY_EXCEEDS_MAKER'];
  const made = [201, undefined];

  it.each(makers.map((set) => [set.join(' and '), set]))(
    'and exactly the scopes %s creates keys with these scopes only',
    async (_, own) => {
      const { key } = await make('maker', own);
      for (const set of wanted) {
        const isWithin = set.every((scope) => own.includes(scope));
        expect([set, ...(await makeBy(key, { scopes: set }))]).toEqual([set, ...(isWithin ? made : refused)]);
      }
    },
  );

  it('and a rate limit creates only keys with the same limit or a lower one', async () => {
    const { body } = await api.send('POST', '/v1/api-keys', {
      body: { name: 'maker', scopes: ['admin'], rateLimitPerSecond: 100, burst: 200 },
    });
    const key = String(body['key']);
    expect(await makeBy(key, {})).toEqual(refused);
    expect(await makeBy(key, { rateLimitPerSecond: 101 })).toEqual(refused);
    expect(await makeBy(key, { rateLimitPerSecond: 100, burst: 201 })).toEqual(refused);
    expect(await makeBy(key, { rateLimitPerSecond: 100, burst: 200 })).toEqual(made);
    expect(await makeBy(key, { rateLimitPerSecond: 1 })).toEqual(made);
  });
});

it('is accepted as Bearer and as the password of Basic', async () => {
  const { key } = await make('both', ['client']);
  expect(await statusFor(api, key)).toBe(200);
  const authorization = `Basic ${Buffer.from(`anyone:${key}`).toString('base64')}`;
  expect((await api.send('GET', '/v1/subscriptions', { key: null, headers: { authorization } })).status).toBe(200);
});

it('has the time of its last use', async () => {
  const { id, key } = await make('used', ['client']);
  const from = Date.now();
  await statusFor(api, key);
  await api.app.get(LastUses).write();
  const { body } = await api.send<{ items: Key[] }>('GET', '/v1/api-keys?limit=500');
  const lastUsedAt = Date.parse(body.items.find((each) => each.id === id)?.lastUsedAt ?? '');
  expect(lastUsedAt).toBeGreaterThanOrEqual(from);
  expect(lastUsedAt).toBeLessThanOrEqual(Date.now());
});

it('is refused by every process as soon as one process has deleted it', async () => {
  const other = await api.sibling();
  await Promise.all([listening(api), listening(other)]);
  const { id, key } = await make('deleted', ['client']);
  expect(await statusFor(api, key)).toBe(200);
  expect(await statusFor(other, key)).toBe(200);
  const heard = new Promise<void>((resolve) => other.app.get(RemovedKeys).onChange(() => resolve()));
  expect((await api.send('DELETE', `/v1/api-keys/${id}`)).status).toBe(204);
  expect(await statusFor(api, key)).toBe(401);
  await heard;
  expect(await statusFor(other, key)).toBe(401);
  await other.close();
});

it('is refused also by a process that did not receive the announcement', async () => {
  const link = await cuttableLink(testRedisUrl());
  const isolated = await api.sibling({ redisUrl: link.url });
  await listening(isolated);
  const { id, key } = await make('unheard', ['client']);
  expect(await statusFor(isolated, key)).toBe(200);
  link.cut();
  await eventually('the process notices that it does not listen', () => !isolated.app.get(RemovedKeys).isListening);
  expect(await statusFor(isolated, key)).toBe(200);
  await api.send('DELETE', `/v1/api-keys/${id}`);
  expect(await statusFor(isolated, key)).toBe(401);
  link.mend();
  await listening(isolated);
  expect(await statusFor(isolated, key)).toBe(401);
  await isolated.close();
  await link.close();
});

it('the bootstrap key is accepted while Postgres is not reachable, and other keys get 503', async () => {
  const link = await cuttableLink(api.database.url);
  const parted = await api.sibling({ databaseUrl: link.url });
  const { key } = await make('parted', ['ingest']);
  link.cut();
  const body = { context: 1, user: 1, topic: 'x', payload: {} };
  expect((await parted.send('POST', '/v1/notifications', { body })).status).toBe(202);
  const refused = await parted.send('POST', '/v1/notifications', { body, key });
  expect(refused).toMatchObject({ status: 503, body: { code: 'DATABASE_UNREACHABLE' } });
  expect(refused.headers.get('retry-after')).toBe('5');
  link.mend();
  await eventually('the other key is accepted again', async () => {
    const { status } = await parted.send('POST', '/v1/notifications', { body, key });
    return status === 202;
  });
  await parted.close();
  await link.close();
});
