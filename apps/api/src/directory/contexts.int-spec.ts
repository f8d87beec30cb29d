import { ConfigCascade } from '@pns/config-cascade';
import { eventually } from '@pns/local-servers/waiting';
import { testApi, type TestApi } from '../testing/test-api';

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

it('a context can be added, read, replaced and listed', async () => {
  const path = '/v1/contexts/1';
  const put = await api.send('PUT', path, { body: { name: 'acme.example', tags: ['premium', 'eu-1'] } });
  expect(put).toMatchObject({ status: 200, body: { context: 1, name: 'acme.example', tags: ['premium', 'eu-1'] } });
  expect((await api.send('GET', path)).body).toEqual(put.body);
  await api.send('PUT', path, { body: {} });
  expect((await api.send('GET', path)).body).toEqual({ context: 1, tags: [] });
});

it('contexts are listed by id, page by page, including contexts that were added with a user', async () => {
  await api.send('PUT', '/v1/contexts/300', { body: {} });
  await api.send('PUT', '/v1/contexts/100', { body: { tags: ['x'] } });
  await api.send('PUT', '/v1/contexts/200/users/1', { body: {} });
  const known: unknown[] = [];
  let query = '?limit=2';
  for (;;) {
    const { body } = await api.send<{ items: unknown[]; nextCursor?: string }>('GET', `/v1/contexts${query}`);
    expect(body.items.length).toBeLessThanOrEqual(2);
    known.push(...body.items);
    if (body.nextCursor === undefined) break;
    query = `?limit=2&cursor=${body.nextCursor}`;
  }
  const some = [
    { context: 100, tags: ['x'] },
    { context: 200, tags: [] },
    { context: 300, tags: [] },
  ];
  expect(known.filter((each) => (each as { context: number }).context >= 100)).toEqual(some);
});

it('a name belongs to one context only', async () => {
  await api.send('PUT', '/v1/contexts/11', { body: { name: 'only' } });
  const taken = await api.send('PUT', '/v1/contexts/12', { body: { name: 'only' } });
  expect(taken).toMatchObject({ status: 409, body: { code: 'CONTEXT_NAME_TAKEN' } });
  expect((await api.send('GET', '/v1/contexts/12')).status).toBe(404);
});

it('answers 412 to one of two administrators who change the same context', async () => {
  const path = '/v1/contexts/21';
  const made = await api.send('PUT', path, { body: {} });
  const headers = { 'if-match': made.headers.get('etag') ?? '' };
  expect((await api.send('PUT', path, { body: { tags: ['a'] }, headers })).status).toBe(200);
  const changed = { status: 412, body: { code: 'VERSION_CHANGED' } };
  expect(await api.send('PUT', path, { body: { tags: ['b'] }, headers })).toMatchObject(changed);
  expect(await api.send('DELETE', path, { headers })).toMatchObject(changed);
  expect((await api.send('GET', path)).body).toMatchObject({ tags: ['a'] });
});

describe('names and tags decide in every process which context sets match', () => {
  const name = 'com.openexchange.pns.delayDuration';
  const john = { context: 31, user: 14 };
  const delayIn = async (of: TestApi): Promise<number> => {
    const cascade = of.app.get(ConfigCascade, { strict: false });
    await cascade.load([john]);
    return cascade.resolve(name, john).value;
  };

  it.each([
    ['tag', '/v1/contexts/31', { tags: ['gold'] }],
    ['name', '/v1/contexts/31', { name: 'gold' }],
    ['tag', '/v1/contexts/31/users/14', { tags: ['gold'] }],
  ])('a %s at %s', async (_, path, body) => {
    await api.send('PUT', '/v1/config/context-sets/golden', { body: { rank: 1, withTags: 'gold' } });
    await api.send('PUT', `/v1/config/context-sets/golden/properties/${name}`, { body: { value: 5 } });
    const other = await api.sibling();
    expect(await delayIn(other)).toBe(1000);
    await api.send('PUT', path, { body });
    expect(await delayIn(api)).toBe(5);
    await eventually('the other process uses the set', async () => (await delayIn(other)) === 5);
    await api.send('DELETE', path);
    expect(await delayIn(api)).toBe(1000);
    await eventually('the other process uses the default', async () => (await delayIn(other)) === 1000);
    await other.close();
  });
});
