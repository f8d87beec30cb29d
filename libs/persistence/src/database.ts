import { PnsError, waitForServer, type NeededServer } from '@pns/runtime';
import type { Pool } from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { ApiKeyEntity } from './api-key.entity';
import { FailedDeliveryEntity } from './failed-delivery.entity';
import { migrations } from './migrations';
import { SubscriptionEntity } from './subscription.entity';

// The entities are listed and not found by a file name pattern, because builds are bundled or compiled, and a missing file must
// cause an error.
const entities = [SubscriptionEntity, ApiKeyEntity, FailedDeliveryEntity];

/** The arbitrary key of an advisory lock that no other program takes in this database. */
const migrationLock = 7_266_001;

const options = {
  type: 'postgres',
  connectTimeoutMS: 5000,
  installExtensions: false,
  logging: false,
  // An idle connection that breaks needs no handling, because the pool opens another one.
  poolErrorHandler: () => undefined,
} as const satisfies Partial<DataSourceOptions>;

/**
 * Connects to Postgres and migrates its tables. While Postgres is not reachable, each step is retried for `timeoutMs`. After the
 * start, queries reject while Postgres is not reachable, and the pool reconnects automatically.
 *
 * @throws PnsError `DATABASE_UNREACHABLE` after the timeout, `DATABASE_REFUSED` when Postgres refuses the login or a permission.
 */
export async function openDatabase(url: string, timeoutMs?: number): Promise<StartingDatabase> {
  const server = postgresAt(url);
  try {
    await waitForServer(server, () => migrate(url), timeoutMs);
    const database = new StartingDatabase(server, url, timeoutMs);
    await waitForServer(server, () => database.initialize(), timeoutMs);
    return database;
  } catch (cause) {
    // 28xxx: authentication; 3D000: unknown database; 42501: no permission to create tables.
    if (!/^(28|3D000|42501)/.test(codeOf(cause))) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const sentence = `Postgres at ${server.where} refuses: ${reason}. Correct DATABASE_URL.`;
    throw new PnsError('DATABASE_REFUSED', sentence, { cause });
  }
}

function postgresAt(url: string): NeededServer {
  const { host, pathname } = new URL(url);
  return { name: 'Postgres', where: `${host}${pathname}`, variable: 'DATABASE_URL', isAway: isDatabaseAway };
}

/** A database whose queries wait for Postgres while an app starts. */
export class StartingDatabase extends DataSource {
  /** While true, a query waits for Postgres instead of rejecting. It may be sent twice, so it must be safe to repeat. */
  isStarting = false;

  constructor(
    private readonly server: NeededServer,
    url: string,
    private readonly timeoutMs?: number,
  ) {
    super({
      ...options,
      url,
      entities,
      poolSize: 8,
      // In ms. statement_timeout ends a statement that waits too long for a lock; query_timeout ends a query if the server hangs.
      extra: { statement_timeout: 20_000, query_timeout: 22_000, keepAlive: true },
    });
  }

  override query<Rows>(...statement: Parameters<DataSource['query']>): Promise<Rows> {
    const ask = () => super.query<Rows>(...statement);
    return this.isStarting ? waitForServer(this.server, ask, this.timeoutMs) : ask();
  }
}

/**
 * Runs a prepared statement. Each connection parses and plans it once, which halves the time of a small lookup. TypeORM does not
 * support prepared statements, so the query is sent through its pool directly.
 */
export async function queryPrepared<Row extends object>(
  database: DataSource,
  name: string,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const pool = (database.driver as PostgresDriver).master as Pool;
  return (await pool.query<Row>({ name, text, values: [...values] })).rows;
}

/** Runs the missing migrations. Processes that start at the same time wait for the first one. */
export async function migrate(url: string): Promise<void> {
  const database = await new DataSource({ ...options, url, migrations, poolSize: 2 }).initialize();
  try {
    const holder = database.createQueryRunner();
    await holder.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    // The lock ends with its connection, also when a migration fails.
    await database.runMigrations({ transaction: 'all' });
    await holder.query('SELECT pg_advisory_unlock($1)', [migrationLock]);
    await holder.release();
  } finally {
    await database.destroy();
  }
}

const awayCodes = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ENOENT', 'EACCES'], // codes of a Unix socket
  ...['53300', '57014', '57P01', '57P02', '57P03'], // too many connections, timed out, shutting down, crashed, starting
  ...['40001', '40P01'], // serialization failure, deadlock
]);

/** Whether `error` means that Postgres cannot be used now and a retry can succeed. */
export function isDatabaseAway(error: unknown): boolean {
  const code = codeOf(error);
  if (awayCodes.has(code) || code.startsWith('08')) return true;
  return (
    error instanceof Error &&
    /^(Connection terminated|timeout e(xceeded when|xpired)|Query read timeout)/.test(error.message)
  );
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  const { code, driverError } = error as { code?: unknown; driverError?: unknown };
  if (typeof code === 'string') return code;
  return driverError === undefined ? '' : codeOf(driverError);
}

/** Whether `error` is a violation of the unique constraint or index `name`. */
export function isTaken(error: unknown, name: string): boolean {
  const { driverError } = error as { driverError?: { code?: string; constraint?: string } };
  return driverError?.code === '23505' && driverError.constraint === name;
}
