import { PnsError, waitForServer, type NeededServer } from '@pns/runtime';
import type { Pool } from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { ApiKeyEntity } from './api-key.entity';
import { FailedDeliveryEntity } from './failed-delivery.entity';
import { FirstTables1760000000001 } from './migrations/0001-first-tables';
import { Cascade1760000000002 } from './migrations/0002-cascade';
import { Directory1760000000003 } from './migrations/0003-directory';
import { RestrictedKeysAndAudit1760000000004 } from './migrations/0004-restricted-keys-and-audit';
import { ClientTransports1760000000005 } from './migrations/0005-client-transports';
import { HeldDeliveries1760000000006 } from './migrations/0006-held-deliveries';
import { UnannouncedChanges1760000000007 } from './migrations/0007-unannounced-changes';
import { SubscriptionTopics1760000000008 } from './migrations/0008-subscription-topics';
import { ApiKeyRateLimits1760000000009 } from './migrations/0009-api-key-rate-limits';
import { TokenSpelling1760000000010 } from './migrations/0010-token-spelling';
import { ExhaustedDeliveries1760000000011 } from './migrations/0011-exhausted-deliveries';
import { LoginsInNfc1760000000012 } from './migrations/0012-logins-in-nfc';
import { SubscriptionEntity } from './subscription.entity';

// Listed, not globbed: what runs is bundled or compiled, and a file that is missing must not go unnoticed.
const entities = [SubscriptionEntity, ApiKeyEntity, FailedDeliveryEntity];
export const migrations = [
  FirstTables1760000000001,
  Cascade1760000000002,
  Directory1760000000003,
  RestrictedKeysAndAudit1760000000004,
  ClientTransports1760000000005,
  HeldDeliveries1760000000006,
  UnannouncedChanges1760000000007,
  SubscriptionTopics1760000000008,
  ApiKeyRateLimits1760000000009,
  TokenSpelling1760000000010,
  ExhaustedDeliveries1760000000011,
  LoginsInNfc1760000000012,
];

/** Any number that no other program locks in the same database. */
const migrationLock = 7_266_001;

const options = {
  type: 'postgres',
  connectTimeoutMS: 5000,
  installExtensions: false,
  logging: false,
  // A connection that dies while idle concerns nobody: the pool opens another one.
  poolErrorHandler: () => undefined,
} as const satisfies Partial<DataSourceOptions>;

/**
 * Connects to Postgres and brings its tables up to date. While it is away, each step is taken again for `patienceMs`; later on,
 * connections come back by themselves and queries reject meanwhile.
 *
 * @throws PnsError `DATABASE_UNREACHABLE` when it stays away, `DATABASE_REFUSED` when it answers but does not let us in.
 */
export async function openDatabase(url: string, patienceMs?: number): Promise<StartingDatabase> {
  const server = postgresAt(url);
  try {
    await waitForServer(server, () => migrate(url), patienceMs);
    const database = new StartingDatabase(server, url, patienceMs);
    await waitForServer(server, () => database.initialize(), patienceMs);
    return database;
  } catch (cause) {
    // 28xxx: who we are; 3D000: no such database; 42501: not allowed to make tables.
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

/** A database that an app may need before it has started. */
export class StartingDatabase extends DataSource {
  /** While it is set, a query waits for Postgres instead of rejecting. It may be sent twice, so it must be safe to repeat. */
  isStarting = false;

  constructor(
    private readonly server: NeededServer,
    url: string,
    private readonly patienceMs?: number,
  ) {
    super({
      ...options,
      url,
      entities,
      poolSize: 8,
      // Ends what waits too long for a lock; the second one is for a server that hangs and cannot end anything.
      extra: { statement_timeout: 20_000, query_timeout: 22_000, keepAlive: true },
    });
  }

  override query<Rows>(...statement: Parameters<DataSource['query']>): Promise<Rows> {
    const ask = () => super.query<Rows>(...statement);
    return this.isStarting ? waitForServer(this.server, ask, this.patienceMs) : ask();
  }
}

/**
 * Runs a statement that each connection prepares once, under `name`, and Postgres plans once: half the time of a small look-up.
 * TypeORM has no way to say so, hence past it, to its pool.
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

/** Runs the migrations that this database lacks. Processes that start together wait for the first one. */
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
  ...['ENOENT', 'EACCES'], // of a Unix socket
  ...['53300', '57014', '57P01', '57P02', '57P03'], // too many connections, timed out, shutting down, crashed, starting
  ...['40001', '40P01'], // lost against another transaction, deadlock
]);

/** Whether `error` means that Postgres cannot be used now, and the same call may succeed later. */
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

/** Whether `error` is Postgres' answer that a row would break the unique constraint or index `name`. */
export function isTaken(error: unknown, name: string): boolean {
  const { driverError } = error as { driverError?: { code?: string; constraint?: string } };
  return driverError?.code === '23505' && driverError.constraint === name;
}
