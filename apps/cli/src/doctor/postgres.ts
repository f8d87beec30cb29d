import { migrationNames } from '@pns/persistence/migrations';
import { Client } from 'pg';
import { clockFindings } from './clock';
import type { Finding } from './finding';

/** How long to wait for Postgres, in ms. */
const waitMs = 3000;
/** The oldest version with which PNS is tested. */
const oldestVersion = 15;
/** Connections of one API, one dispatcher and one worker for each transport: eight for each process. */
const neededConnections = 64;

/** The cure for each error code with which Postgres refuses. Source: PostgreSQL, "Error Codes". */
const cures: readonly (readonly [codes: RegExp, cure: string])[] = [
  [/^28/, 'Correct the user and the password in DATABASE_URL, or pg_hba.conf of the server.'],
  [/^3D000/, 'Create the database, or correct its name in DATABASE_URL.'],
  [/^53300/, 'Raise max_connections, or stop other programs that use connections.'],
  [/^57P03/, 'Wait until Postgres has started; its log shows what it does.'],
];

const where = 'Postgres';

/** Finds the faults of the database at `url`. */
export async function postgresFindings(url: string): Promise<Finding[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: waitMs, query_timeout: waitMs });
  try {
    await client.connect();
  } catch (error) {
    const { host, pathname } = new URL(url);
    const { message, code = '' } = error as Error & { code?: string };
    const problem = `${host}${pathname} cannot be used: ${message || code}.`;
    const [, cure = 'Start Postgres, or correct host and port in DATABASE_URL.'] =
      cures.find(([codes]) => codes.test(code)) ?? [];
    return [{ where, problem, cure }];
  }
  try {
    return [...(await serverFindings(client)), ...(await migrationFindings(client))];
  } finally {
    await client.end();
  }
}

async function serverFindings(client: Client): Promise<Finding[]> {
  const before = Date.now();
  const { rows } = await client.query<{
    version: number;
    connections: number;
    encoding: string;
    time: number;
    isReplica: boolean;
    isReadOnly: boolean;
  }>(
    `SELECT current_setting('server_version_num')::int AS version,
            current_setting('max_connections')::int AS connections,
            current_setting('server_encoding') AS encoding,
            (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS time,
            pg_is_in_recovery() AS "isReplica",
            current_setting('transaction_read_only') = 'on' AS "isReadOnly"`,
  );
  const [server] = rows;
  if (server === undefined) return [];
  const findings = clockFindings(where, before, server.time, Date.now());
  if (server.version < oldestVersion * 10_000) {
    const problem = `Version ${Math.floor(server.version / 10_000)} is older than ${oldestVersion}, with which PNS is tested.`;
    findings.push({ where, problem, cure: `Upgrade to ${oldestVersion} or later.` });
  }
  if (server.connections < neededConnections) {
    const problem = `max_connections is ${server.connections}; one process of each app needs up to ${neededConnections}.`;
    findings.push({ where, problem, cure: 'Raise max_connections.' });
  }
  if (server.encoding !== 'UTF8') {
    const problem = `The encoding of the database is ${server.encoding}, but texts contain all characters of Unicode.`;
    findings.push({
      where,
      problem,
      cure: "Create the database again: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.",
    });
  }
  if (server.isReplica) {
    findings.push({
      where,
      problem: 'It is a replica, which accepts no writes.',
      cure: 'Point DATABASE_URL at the primary.',
    });
  } else if (server.isReadOnly) {
    const problem = 'It accepts no writes: default_transaction_read_only is on.';
    findings.push({ where, problem, cure: 'Switch it off for the server, the database and the account.' });
  }
  return findings;
}

async function migrationFindings(client: Client): Promise<Finding[]> {
  const { rows } = await client.query<{ exists: boolean }>(`SELECT to_regclass('migrations') IS NOT NULL AS exists`);
  const done =
    rows[0]?.exists === true ? (await client.query<{ name: string }>('SELECT name FROM migrations')).rows : [];
  const doneNames = new Set(done.map(({ name }) => name));
  const missing = migrationNames.filter((name) => !doneNames.has(name));
  const unknown = [...doneNames].filter((name) => !migrationNames.includes(name));
  const findings: Finding[] = [];
  if (missing.length > 0) {
    const problem = `${missing.length} of ${migrationNames.length} migrations have not run.`;
    findings.push({ where, problem, cure: 'Start any app of this version once; it migrates under a lock.' });
    findings.push(...(await schemaFindings(client)));
  }
  if (unknown.length > 0) {
    const problem = `It was migrated by a newer version: ${unknown.join(', ')}.`;
    findings.push({ where, problem, cure: 'Run the newer version, or restore the backup of before the upgrade.' });
  }
  return findings;
}

/** Finds a missing right to create tables. Since Postgres 15, only a database's owner has this right in the schema `public`. */
async function schemaFindings(client: Client): Promise<Finding[]> {
  const { rows } = await client.query<{ account: string; isCreator: boolean }>(
    `SELECT current_user AS account,
            coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS "isCreator"`,
  );
  const [right] = rows;
  if (right === undefined || right.isCreator) return [];
  const problem = `The account ${right.account} may not create tables, so no app can migrate the database.`;
  return [{ where, problem, cure: `Make it the owner: ALTER DATABASE … OWNER TO ${right.account}.` }];
}
