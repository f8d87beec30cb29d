import { ConfigCascade } from '@pns/config-cascade';
import { DataSource } from 'typeorm';
import { testApi, type TestApi } from '../testing/test-api';

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

const users = Array.from({ length: 1000 }, (_, index) => index + 1);

it('each user of a request has its own times of windows, even if the users do not fit into memory together', async () => {
  const long = `INSERT INTO user_properties (context_id, user_id, name, value)
    SELECT 2, user_id, 'any', repeat('x', 75000) FROM generate_series(1, ${users.length}) AS user_id`;
  const own = `INSERT INTO user_properties (context_id, user_id, name, value)
    SELECT 2, user_id, 'com.openexchange.pns.delayDuration', '7654' FROM generate_series(1, ${users.length}) AS user_id`;
  await api.app.get(DataSource, { strict: false }).query(long);
  await api.app.get(DataSource, { strict: false }).query(own);
  const answer = await api.send('POST', '/v1/notifications', { body: { context: 2, users, topic: 'x', payload: {} } });
  expect(answer.status).toBe(202);
  expect(api.app.get(ConfigCascade, { strict: false }).knows(users.map((user) => ({ context: 2, user })))).toBe(false);
  const keys = await api.redis.keys(`*${api.redisPrefix}*:spans`);
  const spans = (await Promise.all(keys.map((key) => api.redis.hvals(key)))).flat();
  expect(spans).toHaveLength(users.length);
  expect(new Set(spans.map((span) => span.split(':')[1]))).toEqual(new Set(['7654']));
});
