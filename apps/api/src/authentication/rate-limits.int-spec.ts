import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, type LocalRedis } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { testApi, type TestAnswer, type TestApi } from '../testing/test-api';
import { RateLimits } from './rate-limits';

const folder = mkdtempSync(join(tmpdir(), 'pns-rate-limits-'));

let server: LocalRedis;
let api: TestApi;

beforeAll(async () => {
  server = await startRedis({ dataDir: folder, isDurable: false });
  api = await testApi({ redisUrl: server.url });
});

afterAll(async () => {
  await api.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** In units per second. The rate is so low that no unit is refilled during a test. */
const slowly = 0.01;

async function keyWith(burst: number, rateLimitPerSecond = slowly): Promise<string> {
  const body = { name: 'limited', scopes: ['ingest', 'client', 'admin'], rateLimitPerSecond, burst };
  const answer = await api.send('POST', '/v1/api-keys', { body });
  expect(answer).toMatchObject({ status: 201, body: { rateLimitPerSecond, burst } });
  return String(answer.body['key']);
}

const list = (key: string, at = api) => at.send('GET', '/v1/subscriptions', { key });
const entry = (n: number, users?: number[]) => ({
  ...(users === undefined ? { user: 14 } : { users }),
  ...{ context: 1, topic: 'ox:test', payload: { n } },
});
const entries = (count: number) => Array.from({ length: count }, (_, n) => entry(n));
const post = (key: string, body: object) => api.send('POST', '/v1/notifications', { key, body });
const postLines = (key: string, lines: readonly object[]) =>
  api.send('POST', '/v1/notifications', {
    ...{ key, headers: { 'content-type': 'application/x-ndjson' } },
    body: lines.map((line) => JSON.stringify(line)).join('\n'),
  });

function refusedIndexes({ body }: TestAnswer<Record<string, unknown>>): unknown {
  return (body['errors'] as { index: number; code: string }[]).map(({ index, code }) => [index, code]);
}

describe('a key with a rate limit', () => {
  it('gets the remaining units with each answer, and the time of the retry with 429', async () => {
    const key = await keyWith(3, 0.1);
    const first = await list(key);
    expect([first.status, first.headers.get('ratelimit-policy')]).toEqual([200, '"key";q=3;w=30']);
    expect(first.headers.get('ratelimit')).toBe('"key";r=2;t=10');
    const clock = await Promise.all([list(key), list(key), list(key), list(key)]);
    const refused = clock.find(({ status }) => status === 429);
    expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED', status: 429 } });
    expect(refused?.headers.get('retry-after')).toMatch(/^([1-9]|10)$/);
    expect(refused?.headers.get('ratelimit')).toBe(`"key";r=0;t=${refused?.headers.get('retry-after')}`);
    expect(refused?.headers.get('ratelimit-policy')).toBe('"key";q=3;w=30');
    expect(refused?.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });

  it('has one limit in all processes, also for many concurrent requests', async () => {
    const sibling = await api.sibling();
    const key = await keyWith(5);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => list(key, at % 2 === 0 ? api : sibling)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
    await sibling.close();
  });

  it('also counts requests that are refused for another reason', async () => {
    const key = await keyWith(2);
    expect((await post(key, { nothing: 'valid' })).status).toBe(422);
    expect((await api.send('GET', '/v1/api-keys/nonsense', { key })).status).toBe(400);
    expect((await list(key)).status).toBe(429);
  });

  it('is refused before the body is read', async () => {
    const key = await keyWith(1);
    await list(key);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': 2 ** 20, authorization: `Bearer ${key}` };
      const request = httpRequest(`${api.url}/v1/notifications`, { method: 'POST', headers }, (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.on('error', reject);
      request.write('{'); // the body is never completed
    });
    expect(status).toBe(429);
  });

  it('pays once for an administrator’s write, and the audit log has the state before it', async () => {
    const key = await keyWith(2);
    const property = '/v1/config/contexts/1/properties/com.openexchange.pns.delayDuration';
    await api.send('PUT', property, { body: { value: 1 } });
    const written = await api.send('PUT', property, { key, body: { value: 2 } });
    expect([written.status, written.headers.get('ratelimit')]).toEqual([200, '"key";r=1;t=100']);
    const { body } = await api.send<{ items: object[] }>('GET', '/v1/audit?context=1');
    expect(body.items[0]).toMatchObject({ before: { value: 1 }, after: { value: 2 } });
  });

  it('does not concern other keys', async () => {
    const key = await keyWith(1);
    await list(key);
    expect((await list(key)).status).toBe(429);
    expect((await list(await keyWith(1))).status).toBe(200);
    const { body } = await api.send('POST', '/v1/api-keys', { body: { name: 'free', scopes: ['client'] } });
    for (const free of [String(body['key']), undefined]) {
      const { status, headers } = await api.send('GET', '/v1/subscriptions', free === undefined ? {} : { key: free });
      expect([status, headers.get('ratelimit'), headers.get('ratelimit-policy')]).toEqual([200, null, null]);
    }
  });
});

describe('notifications of a key with a rate limit', () => {
  it('are counted one by one, and those of a batch beyond the limit are listed', async () => {
    const key = await keyWith(5);
    expect((await post(key, entry(0))).headers.get('ratelimit')).toBe('"key";r=4;t=100');
    const answer = await post(key, { notifications: entries(7) });
    expect(answer).toMatchObject({ status: 207, body: { accepted: 4 } });
    expect(refusedIndexes(answer)).toEqual([4, 5, 6].map((index) => [index, 'RATE_LIMITED']));
    expect(answer.headers.get('retry-after')).toMatch(/^(9\d|100)$/);
    expect(await post(key, entry(1))).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
  });

  it('get 429 when none can be accepted', async () => {
    const key = await keyWith(3);
    for (let n = 0; n < 2; n++) await list(key);
    const many = { notifications: [entry(0, [1, 2, 3]), entry(1)] };
    const answer = await post(key, many);
    expect(answer).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
    expect(answer.headers.get('retry-after')).toMatch(/^(1\d\d|200)$/);
  });

  it('of one entry are accepted or refused together, and an entry larger than the bucket is accepted when it is full', async () => {
    const key = await keyWith(3);
    const users = Array.from({ length: 10 }, (_, at) => at + 1);
    expect(await post(key, entry(0, users))).toMatchObject({ status: 202, body: { accepted: 10 } });
    const refused = await post(key, entry(1, users));
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toMatch(/^(7\d\d|800)$/); // 8 units of 100 s each: 7 of debt, 1 for the request
  });

  it('of a stream are accepted up to the limit, and the rest is not read', async () => {
    const key = await keyWith(600);
    const answer = await postLines(key, entries(5000));
    expect(answer).toMatchObject({ status: 207, body: { accepted: 600 } });
    const refused = refusedIndexes(answer) as [number, string][];
    expect(refused[0]).toEqual([600, 'RATE_LIMITED']);
    expect(refused.at(-1)?.[0]).toBeLessThan(2000);
    expect(answer.headers.get('retry-after')).toMatch(/^(9\d|100)$/);
    const errors = answer.body['errors'] as { error: string }[];
    expect(errors.at(-1)?.error).toContain('This line and the lines after it were not read');
  });

  it('of a stream that ends at the limit are all accepted', async () => {
    const key = await keyWith(600);
    expect(await postLines(key, entries(600))).toMatchObject({ status: 202, body: { accepted: 600 } });
    expect((await postLines(key, entries(1))).status).toBe(429);
  });

  it('are counted as limited', async () => {
    const counted = async () =>
      Number(
        /^pns_notifications_total\{result="limited"\} (\d+)$/m.exec(
          (await api.send<string>('GET', '/metrics')).body,
        )?.[1],
      );
    const key = await keyWith(2);
    const before = (await counted()) || 0;
    await post(key, { notifications: entries(5) });
    expect(await counted()).toBe(before + 3);
  });
});

describe('while Redis does not answer', () => {
  it('a limited key is admitted at once on routes without Redis, and is limited again afterwards', async () => {
    const key = await keyWith(2);
    process.kill(server.pid, 'SIGSTOP');
    const answers = await Promise.all([list(key), list(key), list(key)]).finally(() =>
      process.kill(server.pid, 'SIGCONT'),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    for (const { headers } of answers) expect(headers.get('ratelimit')).toBeNull();
    await eventually('the key is limited again', async () => (await list(key)).status === 429);
    expect((await api.send<string>('GET', '/metrics')).body).toMatch(/^pns_rate_limit_unchecked_total [1-9]/m);
  });
});

describe('the bucket', () => {
  const key = (id: string, perSecond: number, burst: number) => ({ id, rateLimit: { perSecond, burst } });
  const take = (of: ReturnType<typeof key>, costs: number[], clock: number) =>
    api.app.get(RateLimits).take(of, costs, of.rateLimit.burst, clock);

  it('refills with time, up to its size', async () => {
    const bucket = key('refill', 2, 4);
    expect(await take(bucket, [3], 0)).toEqual({ admitted: 1, left: 1, waitMs: 0 });
    expect(await take(bucket, [2], 0)).toEqual({ admitted: 0, left: 1, waitMs: 500 });
    expect(await take(bucket, [2], 499)).toMatchObject({ admitted: 0, waitMs: 1 });
    expect(await take(bucket, [2], 500)).toEqual({ admitted: 1, left: 0, waitMs: 0 });
    expect(await take(bucket, [5], 3_600_000)).toEqual({ admitted: 1, left: 0, waitMs: 0 });
    expect(await take(bucket, [1], 3_600_000)).toMatchObject({ admitted: 0, waitMs: 1000 });
  });

  it('admits costs in order, and none after the first refused one', async () => {
    const bucket = key('order', 1, 10);
    expect(await take(bucket, [4, 4, 4, 1], 0)).toEqual({ admitted: 2, left: 2, waitMs: 2000 });
  });

  it('keeps its units when the clock is set back', async () => {
    const bucket = key('clock', 1, 5);
    await take(bucket, [5], 100_000);
    expect(await take(bucket, [1], 50_000)).toMatchObject({ admitted: 0 });
    expect(await take(bucket, [1], 51_000)).toMatchObject({ admitted: 1 });
  });

  it('expires when it is full', async () => {
    await take(key('forgotten', 1000, 2000), [2000], Date.now());
    const name = `${api.redisPrefix}:rate-limit:forgotten`;
    const connection = api.redis.duplicate({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
    const left = await connection.pttl(name);
    await connection.quit();
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(3000);
  });
});
