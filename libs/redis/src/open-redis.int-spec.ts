import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cuttableLink, freePort, startRedis, testRedisUrl, type LocalRedis } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { log } from '@pns/runtime';
import { Redis } from 'ioredis';
import { openRedis } from './open-redis';

afterEach(() => jest.restoreAllMocks());

function events(): () => unknown[] {
  const warned = jest.spyOn(log, 'warn').mockImplementation(() => undefined);
  return () => warned.mock.calls.map(([line]) => line);
}

it.each([false, true])(
  'waits for a Redis that has not started yet, and logs this once (failFast: %s)',
  async (failFast) => {
    const link = await cuttableLink(testRedisUrl());
    const lines = events();
    link.cut();
    const opening = openRedis(link.url, { failFast });
    await eventually('a line is logged', () => lines().length > 0);
    link.mend();
    const redis = await opening;
    expect(await redis.ping()).toBe('PONG');
    redis.disconnect();
    await link.close();
    const { host: where } = new URL(link.url);
    expect(lines()).toEqual([
      { event: 'redis.waiting', where, reason: expect.any(String) as string },
      { event: 'redis.answers', where },
    ]);
  },
);

it('waits for a Redis that accepts connections and does not answer', async () => {
  const link = await cuttableLink(testRedisUrl());
  const lines = events();
  link.hold();
  const opening = openRedis(link.url, { failFast: true });
  await eventually('a line is logged', () => lines().length > 0);
  link.release();
  const redis = await opening;
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
  await link.close();
});

it('fails with a sentence that names the server and no password', async () => {
  events();
  const port = await freePort();
  const opening = openRedis(`redis://:sesame@127.0.0.1:${port}`, { maxWaitMs: 300 });
  const failure = (await opening.catch((error: unknown) => error)) as Error;
  expect(failure).toMatchObject({ code: 'REDIS_UNREACHABLE' });
  expect(failure.message).toMatch(new RegExp(`^Redis at 127.0.0.1:${port} cannot be reached .* correct REDIS_URL\\.$`));
  expect(failure.message).not.toContain('sesame');
});

describe('a Redis with a password', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pns-password-'));
  let server: LocalRedis;

  beforeAll(async () => {
    server = await startRedis({ dataDir: folder, isDurable: false });
    const redis = new Redis(server.url);
    await redis.config('SET', 'requirepass', 'sesame');
    await redis.quit();
  });

  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it('accepts a client with the password', async () => {
    const redis = await openRedis(`redis://:sesame@127.0.0.1:${server.port}`, { failFast: true });
    expect(await redis.ping()).toBe('PONG');
    redis.disconnect();
  });

  it.each([
    ['without one', ''],
    ['with another one', ':open@'],
  ])('is not waited for %s', async (_, account) => {
    await expect(openRedis(`redis://${account}127.0.0.1:${server.port}`)).rejects.toMatchObject({
      code: 'REDIS_REFUSED',
      message: expect.stringMatching(/^Redis at 127\.0\.0\.1:\d+ refuses: .* Correct REDIS_URL\.$/) as string,
    });
  });
});
