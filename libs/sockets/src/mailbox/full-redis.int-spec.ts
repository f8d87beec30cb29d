import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, type LocalRedis } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { log } from '@pns/runtime';
import { Redis } from 'ioredis';
import { TestNodes } from '../testing/nodes';

const folder = mkdtempSync(join(tmpdir(), 'pns-full-redis-'));

let server: LocalRedis;
let redis: Redis;
let nodes: TestNodes;

beforeAll(async () => {
  server = await startRedis({ dataDir: folder, isDurable: false });
  redis = new Redis(server.url);
  nodes = await TestNodes.prepare();
});

afterAll(async () => {
  await nodes.stop();
  await redis.quit();
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** How many ZADD commands Redis has refused. */
async function refusals(): Promise<number> {
  return Number(/^cmdstat_zadd:.*rejected_calls=(\d+)/m.exec(await redis.info('commandstats'))?.[1] ?? 0);
}

it('a node whose heartbeats Redis refuses logs one line when that begins and one when it ends', async () => {
  const warned = jest.spyOn(log, 'warn').mockImplementation(() => undefined);
  const lines = () => warned.mock.calls.map(([line]) => line as { event: string; err?: unknown });
  await nodes.start(server.url);
  await redis.call('ACL', 'SETUSER', 'default', '-zadd');
  await eventually('Redis has refused three writes', async () => (await refusals()) >= 3);
  await redis.call('ACL', 'SETUSER', 'default', '+zadd');
  await eventually('a heartbeat is accepted', () => lines().some(({ event }) => event === 'node.beat-recovered'));
  const beats = lines().filter(({ event }) => event.startsWith('node.beat'));
  expect(beats.map(({ event }) => event)).toEqual(['node.beat-failed', 'node.beat-recovered']);
  expect(lines().filter(({ err }) => err !== undefined)).toEqual([]);
  warned.mockReset();
});

it('Redis accepts the heartbeats of a node while its memory is full, so that no other node takes its queue over', async () => {
  const warned = jest.spyOn(log, 'warn').mockImplementation(() => undefined);
  await nodes.start(server.url);
  const [set = ''] = await redis.keys('*:nodes');
  const heartbeat = async (): Promise<number> => Number((await redis.zrange(set, 0, 0, 'WITHSCORES'))[1]);
  await redis.config('SET', 'maxmemory', '1');
  await expect(redis.set('key', 'value')).rejects.toThrow('OOM');
  const before = await heartbeat();
  await eventually('two heartbeats', async () => (await heartbeat()) > before + 1500);
  await redis.config('SET', 'maxmemory', '0');
  const events = warned.mock.calls.map(([line]) => (line as { event: string }).event);
  expect(events.filter((event) => event.startsWith('node.beat'))).toEqual([]);
});
