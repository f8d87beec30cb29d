import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { LuaScript } from './lua-script';
import { connectRedis, type RedisClient } from './redis';

let redis: RedisClient;
let folder: string;

beforeAll(() => {
  redis = connectRedis(testRedisUrl());
  folder = mkdtempSync(join(tmpdir(), 'pns-lua-'));
  mkdirSync(join(folder, 'src'));
});

afterAll(() => {
  redis.disconnect();
  rmSync(folder, { recursive: true });
});

function write(name: string, lua: string): void {
  writeFileSync(join(folder, 'src', `${name}.lua`), lua);
}

it('runs with the given time, or with the time of Redis', async () => {
  write('time', 'return clock(ARGV[1])');
  const script = new LuaScript<number>({ folder: join(folder, 'src'), name: 'time', numberOfKeys: 0 });
  expect(await script.run(redis, 42)).toBe(42);
  const [before, own, after] = [await redis.time(), await script.run(redis, ''), await redis.time()];
  const inMs = ([seconds, microseconds]: readonly number[]) =>
    Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  expect(own).toBeGreaterThanOrEqual(inMs(before));
  expect(own).toBeLessThanOrEqual(inMs(after));
});

it('is found in src by a compiled module, with its prelude, and differs from another script with the same name', async () => {
  write('twice', 'local function twice(text) return text .. text end\n');
  write('same', 'return twice(ARGV[1])');
  const one = new LuaScript({ folder: join(folder, 'dist'), name: 'same', numberOfKeys: 0, preludes: ['twice'] });
  write('same', 'return KEYS[1]');
  const other = new LuaScript({ folder: join(folder, 'dist'), name: 'same' });
  const key = freshPrefix();
  expect([await one.run(redis, 'a'), await other.run(redis, 1, key), await one.run(redis, 'b')]).toEqual([
    'aa',
    key,
    'bb',
  ]);
});
