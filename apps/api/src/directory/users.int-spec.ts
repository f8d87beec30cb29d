import { testApi, type TestApi } from '../testing/test-api';

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

it('a user can be added, read and replaced', async () => {
  const path = '/v1/contexts/1/users/14';
  const known = { primaryEmail: 'john@example.com', logins: ['john', 'john@example.com'], tags: ['vip', 'beta-2.x_'] };
  const put = await api.send('PUT', path, { body: { ...known, logins: ['John', 'john@example.com'] } });
  expect(put).toMatchObject({ status: 200, body: { context: 1, user: 14, ...known } });
  expect((await api.send('GET', path)).body).toEqual({ context: 1, user: 14, ...known });
  await api.send('PUT', path, { body: {} });
  expect((await api.send('GET', path)).body).toEqual({ context: 1, user: 14, logins: [], tags: [] });
});

it('a login belongs to one user only', async () => {
  await api.send('PUT', '/v1/contexts/2/users/1', { body: { logins: ['jane'] } });
  const taken = await api.send('PUT', '/v1/contexts/3/users/1', { body: { logins: ['JANE'] } });
  expect(taken).toMatchObject({ status: 409, body: { code: 'LOGIN_TAKEN' } });
  expect((await api.send('GET', '/v1/contexts/3/users/1')).status).toBe(404);
});

it('answers 412 to one of two administrators who change the same user', async () => {
  const path = '/v1/contexts/4/users/1';
  await api.send('PUT', path, { body: { tags: ['a'] } });
  const etag = (await api.send('GET', path)).headers.get('etag') ?? '';
  const headers = { 'if-match': etag };
  const first = await api.send('PUT', path, { body: { tags: ['b'] }, headers });
  const changed = { status: 412, body: { code: 'VERSION_CHANGED' } };
  expect(first).toMatchObject({ status: 200, body: { tags: ['b'] } });
  expect(await api.send('PUT', path, { body: { tags: ['c'] }, headers })).toMatchObject(changed);
  expect(await api.send('DELETE', path, { headers })).toMatchObject(changed);
  expect((await api.send('GET', path)).body).toMatchObject({ tags: ['b'] });
  const removed = await api.send('DELETE', path, { headers: { 'if-match': first.headers.get('etag') ?? '' } });
  expect(removed.status).toBe(204);
  expect((await api.send('GET', path)).status).toBe(404);
});

it('the users of a context are listed by id, page by page', async () => {
  for (const user of [9, 2, 1]) await api.send('PUT', `/v1/contexts/5/users/${user}`, { body: {} });
  await api.send('PUT', '/v1/contexts/6/users/4', { body: {} });
  const first = await api.send<{ nextCursor: string }>('GET', '/v1/contexts/5/users?limit=2');
  expect(first.body).toMatchObject({ items: [{ user: 1 }, { user: 2 }] });
  const second = await api.send('GET', `/v1/contexts/5/users?limit=2&cursor=${first.body.nextCursor}`);
  expect(second.body).toEqual({ items: [{ context: 5, user: 9, logins: [], tags: [] }] });
});
