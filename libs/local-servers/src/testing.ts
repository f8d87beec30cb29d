import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** A database for one test file. */
export interface FreshDatabase {
  readonly url: string;
  /** Removes the database and closes its open connections. */
  drop(): Promise<void>;
}

/**
 * Creates a database on the server of `DATABASE_URL`, which Jest's global setup sets: an empty one, or a copy of the
 * database `template`.
 */
export async function freshDatabase(template?: string): Promise<FreshDatabase> {
  const serverUrl = testDatabaseUrl();
  const name = `test_${randomBytes(8).toString('hex')}`;
  await query(serverUrl, `CREATE DATABASE ${name}${template === undefined ? '' : ` TEMPLATE ${template}`}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => query(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** The URL of a database on the Postgres server that all tests share. It is for commands to the server only. */
export function testDatabaseUrl(): string {
  return requiredUrl('DATABASE_URL');
}

/** The URL of the Redis that all tests share. Every test file must use its own `freshPrefix()`. */
export function testRedisUrl(): string {
  return requiredUrl('REDIS_URL');
}

/** A prefix for keys that no other test uses. */
export function freshPrefix(): string {
  return `test-${randomBytes(8).toString('hex')}`;
}

function requiredUrl(name: 'DATABASE_URL' | 'REDIS_URL'): string {
  const url = process.env[name];
  if (!url) throw new Error(`${name} is not set; tests that need it are named *.int-spec.ts or *.e2e-spec.ts.`);
  return url;
}

async function query(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}
