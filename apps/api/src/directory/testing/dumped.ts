import { Client } from 'pg';
import type { TestApi } from '../../testing/test-api';

/** Every row, and every key of Redis with each of its values, as text that begins with its table or key. */
export async function dumped(api: TestApi): Promise<string[]> {
  return [...(await postgresLines(api)), ...(await redisLines(api))];
}

async function postgresLines(api: TestApi): Promise<string[]> {
  const client = new Client({ connectionString: api.database.url });
  await client.connect();
  const tables = await client.query<{ name: string }>(
    // usage_hours has counts of contexts, not of users, and changes at any time; the tests of the history cover its erasure.
    // history_writes also changes at any time, and contains processes only.
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_name NOT IN ('usage_hours', 'history_writes')`,
  );
  const lines: string[] = [];
  for (const { name } of tables.rows) {
    const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM "${name}" t`);
    lines.push(...rows.map(({ row }) => `${name} ${row}`));
  }
  await client.end();
  return lines;
}

async function keysOf({ redis, redisPrefix }: TestApi): Promise<string[]> {
  const keys = new Set<string>();
  for await (const some of redis.scanStream({ match: `*${redisPrefix}*` }))
    for (const key of some as string[]) keys.add(key);
  return [...keys];
}

/** The Redis type of each key. */
export async function keyTypes(api: TestApi): Promise<ReadonlyMap<string, string>> {
  const types = (await keysOf(api)).map(async (key) => [key, await api.redis.type(key)] as const);
  return new Map((await Promise.all(types)).filter(([, type]) => type !== 'none'));
}

async function redisLines(api: TestApi): Promise<string[]> {
  const { redis } = api;
  const lines = (await keysOf(api)).map(async (key) => {
    switch (await redis.type(key)) {
      case 'string':
        return [`${key} ${await redis.get(key)}`];
      case 'hash':
        return Object.entries(await redis.hgetall(key)).map(([field, value]) => `${key} ${field} ${value}`);
      case 'list':
        return (await redis.lrange(key, 0, -1)).map((element) => `${key} ${element}`);
      case 'zset':
        return pairs(await redis.zrange(key, 0, -1, 'WITHSCORES')).map((pair) => `${key} ${pair.join(' ')}`);
      case 'set':
        return (await redis.smembers(key)).map((member) => `${key} ${member}`);
      case 'stream':
        return (await redis.xrange(key, '-', '+')).map(([id, fields]) => `${key} ${id} ${fields.join(' ')}`);
      case 'none':
        return []; // the key expired meanwhile
      default:
        throw new Error(`${key} is of a kind that this test cannot read.`);
    }
  });
  return (await Promise.all(lines)).flat();
}

function pairs(flat: readonly string[]): string[][] {
  return flat.flatMap((_, index) => (index % 2 === 0 ? [flat.slice(index, index + 2)] : []));
}

/** The data of both stores as a backup has it: rows as text, and values of Redis as text with one character for each byte. */
export async function rawDump(api: TestApi): Promise<{ readonly postgres: string; readonly redis: string }> {
  const { redis } = api;
  // Compression would hide repeated texts from the search.
  await redis.config('SET', 'rdbcompression', 'no');
  const values = (await keysOf(api)).map(async (key) => `${key} ${(await redis.dumpBuffer(key)).toString('latin1')}`);
  const text = (await Promise.all(values)).join('\n');
  await redis.config('SET', 'rdbcompression', 'yes');
  return { postgres: (await postgresLines(api)).join('\n'), redis: text };
}
