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

/** How many writes Redis has refused. */
async function refusals(): Promise<number> {
  return Number(/^errorstat_OOM:count=(\d+)/m.exec(await redis.info('errorstats'))?.[1] ?? 0);
}

it('a node whose heartbeats a full Redis refuses logs one line when that begins and one when it ends', async () => {
  const warned = jest.spyOn(log, 'warn').mockImplementation(() => undefined);
  const lines = () => warned.mock.calls.map(([line]) => line as { event: string; err?: unknown });
  await nodes.start(server.url);
  await redis.config('SET', 'maxmemory', '1');
  await eventually('Redis has refused three writes', async () => (await refusals()) >= 3);
  await redis.config('SET', 'maxmemory', '0');
  await eventually('a heartbeat is accepted', () => lines().some(({ event }) => event === 'node.beat-recovered'));
  const beats = lines().filter(({ event }) => event.startsWith('node.beat'));
  expect(beats.map(({ event }) => event)).toEqual(['node.beat-failed', 'node.beat-recovered']);
  expect(lines().filter(({ err }) => err !== undefined)).toEqual([]);
});
