import { randomUUID } from 'node:crypto';
import { testApi, type TestApi } from '../testing/test-api';

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

/** Counts of requests, by method, route and status. */
async function counts(): Promise<Map<string, number>> {
  const { body } = await api.send<string>('GET', '/metrics', { key: null });

  const series = body.matchAll(/^pns_http_request_duration_seconds_count\{(.*)\} (\d+)$/gm);
  return new Map([...series].map(([, labels = '', count]) => [labels, Number(count)]));
}

const labels = (method: string, route: string, status: string) =>
  `method="${method}",route="${route}",status="${status}"`;

it.each(['2xx', '4xx', '5xx'])('the count of answers %s starts at 0, before the first request', async (status) => {
  expect((await counts()).get(labels('POST', '/v1/notifications', status))).toBe(0);
});

it('requests are counted by the template of their route, so ids and invented paths add no series', async () => {
  await api.send('POST', '/v1/notifications', { body: { context: 1, user: 14, topic: 'ox:test', payload: {} } });
  await api.send('POST', '/v1/notifications', { body: {} });
  await counts();
  const before = await counts();
  for (let n = 0; n < 5; n++) {
    await api.send('GET', `/v1/subscriptions/${randomUUID()}`);
    await api.send('GET', `/${randomUUID()}`);
    await api.send('POST', `/v1/${randomUUID()}`, { body: {} });
  }
  const after = await counts();
  expect([...after.keys()]).toEqual([...before.keys()]);
  const added = [...after].map(([series, count]) => [series, count - (before.get(series) ?? 0)] as const);
  expect(Object.fromEntries(added.filter(([, count]) => count > 0))).toEqual({
    [labels('GET', '/v1/subscriptions/:id', '4xx')]: 5,
    [labels('any', 'unmatched', '4xx')]: 10,
    [labels('GET', '/metrics', '2xx')]: 1,
  });
  expect(after.get(labels('POST', '/v1/notifications', '2xx'))).toBe(1);
  expect(after.get(labels('POST', '/v1/notifications', '4xx'))).toBe(1);
});
