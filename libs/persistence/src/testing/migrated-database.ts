import { createHash } from 'node:crypto';
import { freshDatabase, testDatabaseUrl, type FreshDatabase } from '@pns/local-servers';
import { Client } from 'pg';
import { migrate } from '../database';
import { migrations } from '../migrations';

/** An arbitrary number for the lock of the template. */
const templateLock = 7_266_002;

/** The template's name. It changes with the migrations, because a Postgres that `DATABASE_URL` names keeps old templates. */
const template = `test_template_${createHash('sha256').update(migrations.map(String).join('\n')).digest('hex').slice(0, 16)}`;

let templateMade: Promise<void> | undefined;

/**
 * Creates a database with all tables for one test file. It is a copy of a database that is migrated once per server,
 * because a copy costs less than the migrations.
 */
export async function migratedDatabase(): Promise<FreshDatabase> {
  await (templateMade ??= makeTemplate());
  return freshDatabase(template);
}

/** Creates the template if it is missing. Other test processes wait until it is complete. */
async function makeTemplate(): Promise<void> {
  const client = new Client({ connectionString: testDatabaseUrl() });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [templateLock]);
    if ((await client.query('SELECT FROM pg_database WHERE datname = $1', [template])).rowCount) return;
    const { url } = await freshDatabase();
    await migrate(url);
    await client.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} RENAME TO ${template}`);
  } finally {
    await client.end();
  }
}
