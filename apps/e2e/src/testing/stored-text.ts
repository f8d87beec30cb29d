import { Redis } from 'ioredis';
import { Client } from 'pg';

/** The rows of all tables, each as text after the name of its table. */
export async function postgresText(databaseUrl: string): Promise<string> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`,
    );
    const lines: string[] = [];
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM "${name}" t`);
      lines.push(...rows.map(({ row }) => `${name} ${row}`));
    }
    return lines.join('\n');
  } finally {
    await client.end();
  }
}

/** The keys and their values. Each byte of a value becomes one character. */
export async function redisText(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    await redis.config('SET', 'rdbcompression', 'no'); // compression would hide repeated texts
    const lines: string[] = [];
    for (const key of await redis.keys('*')) {
      lines.push(`${key} ${(await redis.dumpBuffer(key))?.toString('latin1') ?? ''}`);
    }
    return lines.join('\n');
  } finally {
    redis.disconnect();
  }
}
