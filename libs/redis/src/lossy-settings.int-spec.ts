import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, type LocalRedis } from '@pns/local-servers';
import { lossesOf, lossySettings } from './lossy-settings';
import { connectRedis, type RedisClient } from './redis';

it.each([
  [{ appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' }, []],
  [{ appendonly: 'yes', appendfsync: 'everysec' }, ['everysec']],
  [{ appendonly: 'yes', appendfsync: 'no' }, ['half a minute']],
  [{ appendonly: 'no', appendfsync: 'always' }, ['appendonly is no']],
  [{ appendonly: 'no', 'maxmemory-policy': 'allkeys-lru' }, ['appendonly is no', 'maxmemory-policy is allkeys-lru']],
  [{}, []],
])('%j loses %j', (settings, parts) => {
  const sentences = lossesOf(settings);
  expect(sentences).toHaveLength(parts.length);
  for (const [index, part] of parts.entries()) expect(sentences[index]).toContain(part);
});

describe('a server', () => {
  let server: LocalRedis;
  let redis: RedisClient;

  beforeAll(async () => {
    server = await startRedis({ dataDir: mkdtempSync(join(tmpdir(), 'pns-lossy-')) });
    redis = connectRedis(server.url);
  });

  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  it('is read again each time', async () => {
    await redis.config('SET', 'appendonly', 'yes');
    await redis.config('SET', 'appendfsync', 'always');
    expect(await lossySettings(redis)).toEqual([]);
    await redis.config('SET', 'maxmemory-policy', 'volatile-ttl');
    expect(await lossySettings(redis)).toEqual([expect.stringContaining('volatile-ttl')]);
  });

  it('that refuses CONFIG is read by INFO', async () => {
    await redis.config('SET', 'appendonly', 'no');
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    await redis.call('ACL', 'SETUSER', 'hosted', 'on', '>secret', '~*', '&*', '+@all', '-config');
    const hosted = connectRedis(server.url.replace('redis://', 'redis://hosted:secret@'));
    expect(await lossySettings(hosted)).toEqual([expect.stringContaining('appendonly is no')]);
    hosted.disconnect();
  });
});
