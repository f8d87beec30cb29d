import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, type LocalRedis } from '@pns/local-servers';
import { log } from '@pns/runtime';
import { Redis } from 'ioredis';
import { testApi, type TestApi } from '../testing/test-api';

const notification = { context: 1, user: 14, topic: 'ox:test' };
const folder = mkdtempSync(join(tmpdir(), 'pns-memory-'));

let server: LocalRedis;
let redis: Redis;
let api: TestApi;
let posted = 0;

beforeAll(async () => {
  server = await startRedis({ dataDir: folder, isDurable: false });
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

/** Posts another notification each time, so that each accepted one has a window of its own. */
function post() {
  return api.send('POST', '/v1/notifications', { body: { ...notification, payload: { n: posted++ } } });
}

/** The number of windows. */
async function waiting(): Promise<number> {
  const items = [0, 1, 2, 3].map((shard) => redis.hlen(`{${api.redisPrefix}:${shard}}:items`));
  return (await Promise.all(items)).reduce((sum, each) => sum + each);
}

/** Posts until the answer has this code or status; returns the number of accepted notifications. */
async function until(expected: string | number) {
  for (let accepted = 0; ;) {
    const answer = await post();
    if (answer.status === expected || answer.body['code'] === expected) return { ...answer, accepted };
    if (answer.status === 202) accepted++;
  }
}

/** The status and the parts of `/health/ready`. */
async function health() {
  const { status, body } = await api.send<{ parts: Record<string, string> }>('GET', '/health/ready', { key: null });
  return { status, redis: body.parts['redis'] };
}

async function memoryRatio(): Promise<number> {
  const { body } = await api.send<string>('GET', '/metrics', { key: null });
  return Number(/^pns_redis_memory_ratio (\S+)$/m.exec(body)?.[1]);
}

it('a Redis without memory has its own code and a remedy, and the first request after memory is free is accepted', async () => {
  expect((await post()).status).toBe(202);
  expect(await health()).toEqual({ status: 200, redis: 'ok' });
  expect(await memoryRatio()).toBe(0);
  const before = await waiting();
  await redis.config('SET', 'maxmemory', '1');
  const answer = await post();
  expect(answer).toMatchObject({ status: 503, body: { code: 'REDIS_FULL' } });
  expect(answer.body['detail']).toMatch(/Raise maxmemory/);
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(await health()).toEqual({
    status: 503,
    redis: expect.stringMatching(/memory limit.*Raise maxmemory/) as string,
  });
  expect(await memoryRatio()).toBeGreaterThan(1);
  // The API has now measured Redis' memory, and each refusal uses a measurement that is at most 200 ms old.
  expect(await post()).toMatchObject({ status: 503, body: { code: 'REDIS_FULL' } });
  expect(await waiting()).toBe(before);
  await redis.config('SET', 'maxmemory', '0');
  expect(await until(202)).toMatchObject({ body: { accepted: 1 } });
  expect(await health()).toEqual({ status: 200, redis: 'ok' });
  expect(await waiting()).toBe(before + 1);
});

it('a Redis that is full for some time is logged once at the start and once at the end', async () => {
  const warned = jest.spyOn(log, 'warn').mockImplementation(() => undefined);
  await redis.config('SET', 'maxmemory', '1');
  for (let second = 0; second < 3; second++) {
    await post();
    await health();
  }
  await redis.config('SET', 'maxmemory', '0');
  await until(202);
  await memoryRatio();
  const lines = warned.mock.calls.map(([line]) => line as { event: string; err?: unknown });
  expect(lines.map(({ event }) => event)).toEqual(['redis.full', 'redis.has-room']);
  expect(lines.map(({ err }) => err)).toEqual([undefined, undefined]);
});

it('no notification is accepted while Redis is almost full, so that accepted ones can be sent', async () => {
  await redis.setrange('something large', 20e6, 'x'); // much larger than the buffers of connections
  const [, used] = /used_memory:(\d+)/.exec(await redis.info('memory')) ?? [];
  await redis.config('SET', 'maxmemory', String(Math.round(Number(used) / 0.94)));
  const answer = await until('REDIS_FULL');
  expect(answer).toMatchObject({
    status: 503,
    body: { detail: expect.stringMatching(/9\d %.*Raise maxmemory/) as string },
  });
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(await waiting()).toBe(answer.accepted);
  expect(await health()).toEqual({ status: 503, redis: expect.stringMatching(/9\d %/) as string });
  expect(await memoryRatio()).toBeCloseTo(0.94, 1);
  await expect(redis.set('there is', 'some left', 'PX', 1)).resolves.toBe('OK');
});

it('lists settings with which Redis may lose notifications, and is ready', async () => {
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  const answer = await api.send<{ warnings: string[] }>('GET', '/health/ready', { key: null });
  await redis.config('SET', 'maxmemory-policy', 'noeviction');
  expect(answer.status).toBe(200);
  expect(answer.body.warnings.join()).toContain('redis: maxmemory-policy is allkeys-lru');
});
