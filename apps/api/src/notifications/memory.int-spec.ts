import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, type LocalRedis } from '@pns/local-servers';
import { Redis } from 'ioredis';
import { testApi, type TestApi } from '../test-api';

const notification = { context: 1, user: 14, topic: 'ox:test' };
const folder = mkdtempSync(join(tmpdir(), 'pns-memory-'));

let server: LocalRedis;
let redis: Redis;
let api: TestApi;
let posted = 0;

beforeAll(async () => {
  server = await startRedis({ dataDir: folder });
  redis = new Redis(server.url);
});

beforeEach(async () => {
  api = await testApi({ redisUrl: server.url });
  posted = 0;
});

afterEach(async () => {
  await redis.config('SET', 'maxmemory', '0');
  await api.close();
});

afterAll(async () => {
  await redis.quit();
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** Each another one, so that what was accepted can be counted. */
function post() {
  return api.send('POST', '/v1/notifications', { body: { ...notification, payload: { n: posted++ } } });
}

/** How many windows there are. */
async function waiting(): Promise<number> {
  const items = [0, 1, 2, 3].map((shard) => redis.hlen(`{${api.redisPrefix}:${shard}}:items`));
  return (await Promise.all(items)).reduce((sum, each) => sum + each);
}

/** Posts until the answer has this code or status; how many were accepted by then. */
async function until(expected: string | number) {
  for (let accepted = 0; ;) {
    const answer = await post();
    if (answer.status === expected || answer.body['code'] === expected) return { ...answer, accepted };
    if (answer.status === 202) accepted++;
  }
}

it('a Redis without any memory left is answered with 503 and Retry-After, and nothing is taken in', async () => {
  await redis.config('SET', 'maxmemory', '1');
  const answer = await post();
  expect(answer).toMatchObject({ status: 503, body: { code: 'REDIS_UNREACHABLE' } });
  expect(answer.headers.get('retry-after')).toBe('5');
  const { accepted } = await until('OVERLOADED');
  expect([accepted, await waiting()]).toEqual([0, 0]);
  await redis.config('SET', 'maxmemory', '0');
  await until(202);
  expect(await waiting()).toBe(1);
});

it('nothing is taken in while Redis is nearly full, so that what was can be sent', async () => {
  await redis.setrange('something large', 20e6, 'x'); // beside which the buffers of connections do not count
  const [, used] = /used_memory:(\d+)/.exec(await redis.info('memory')) ?? [];
  await redis.config('SET', 'maxmemory', String(Math.round(Number(used) / 0.94)));
  const answer = await until('OVERLOADED');
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(await waiting()).toBe(answer.accepted);
  await expect(redis.set('there is', 'some left', 'PX', 1)).resolves.toBe('OK');
});
