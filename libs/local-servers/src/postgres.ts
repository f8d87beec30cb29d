import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { LocalServerError } from './local-server-error';
import {
  canReach,
  postgresHome,
  reachableHome,
  sharedFolder,
  unprivilegedAccount,
  type RunAs,
} from './postgres-binaries';
import { startServerProcess, type Progress } from './server-process';

/** How a Postgres is started. */
export interface PostgresOptions {
  /** The folder of the data, which is kept between runs; created when missing. */
  readonly dataDir: string;
  /** Default: the port of the last run, or any free port. */
  readonly port?: number;
  /** False is faster but not safe against a power failure: for tests only. */
  readonly isDurable?: boolean;
  /** Memory for cached pages (`shared_buffers`). Default: 128, as in Postgres. */
  readonly cacheMiB?: number;
  readonly onProgress?: Progress;
}

/** A running Postgres of this process. */
export interface LocalPostgres {
  /** The URL of a database `pns`, whose owner may create other databases. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** The folder of its files: below `dataDir`, or elsewhere if the account of Postgres cannot reach `dataDir`. */
  readonly dataFolder: string;
  stop(): Promise<void>;
  /** Kills Postgres (SIGKILL), like a crash. */
  kill(): Promise<void>;
}

const user = 'pns';
const database = 'pns';

/**
 * Starts a Postgres on 127.0.0.1 and resolves when it accepts queries.
 *
 * @throws LocalServerError with one sentence when it cannot be started or another running process uses `dataDir`.
 */
export async function startPostgres(options: PostgresOptions): Promise<LocalPostgres> {
  const { onProgress = () => undefined, isDurable = true } = options;
  const folder = resolve(options.dataDir);
  mkdirSync(folder, { recursive: true });
  const cluster = join(folder, 'cluster');
  const runAs = accountFor(cluster);
  const home = reachableHome(postgresHome(), runAs, (copy) => onProgress(`Copying Postgres to ${copy}.`));
  const password = rememberedPassword(folder);
  if (!exists(join(cluster, 'PG_VERSION')))
    await createCluster({ home, cluster, runAs, password, isDurable, onProgress });
  const data = realpathSync(cluster); // without symbolic links, which the account of Postgres may be unable to follow

  const server = await startServerProcess({
    folder,
    port: options.port,
    onProgress,
    command: (port) => ({
      name: 'postgres',
      file: join(home, 'bin', 'postgres'),
      args: ['-D', data, ...settings(port, options)],
      ...runAs,
    }),
    isReady: (port) => answers(urlOf(port, password, 'postgres')),
  });
  const url = urlOf(server.port, password, database);
  await ensureDatabase(urlOf(server.port, password, 'postgres'));
  return { ...server, url, dataFolder: data };
}

function settings(port: number, { isDurable = true, cacheMiB }: PostgresOptions): string[] {
  const always = { listen_addresses: '127.0.0.1', port, unix_socket_directories: '', max_connections: 200 };
  const fast = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
  const cache = cacheMiB === undefined ? {} : { shared_buffers: `${cacheMiB}MB` };
  return Object.entries({ ...always, ...cache, ...(isDurable ? {} : fast) }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
}

/** The account for Postgres if this process is root: the owner of existing data, else an unprivileged account. */
function accountFor(cluster: string): RunAs | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = exists(cluster) ? statSync(cluster) : undefined;
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : unprivilegedAccount();
}

interface NewCluster {
  readonly home: string;
  readonly cluster: string;
  readonly runAs: RunAs | undefined;
  readonly password: string;
  readonly isDurable: boolean;
  readonly onProgress: Progress;
}

async function createCluster(wanted: NewCluster): Promise<void> {
  const { cluster, runAs, onProgress } = wanted;
  onProgress(`Creating a Postgres database in ${cluster}.`);
  // A cluster that exists here is incomplete, because it has no PG_VERSION.
  if (exists(cluster)) rmSync(realpathSync(cluster), { recursive: true });
  rmSync(cluster, { recursive: true, force: true });
  mkdirSync(cluster, { mode: 0o700 });
  if (runAs) chownSync(cluster, runAs.uid, runAs.gid);
  if (!canReach(cluster, runAs)) {
    // Other accounts cannot access a folder above `cluster`, for example root's home folder.
    rmSync(cluster, { recursive: true });
    mkdirSync(sharedFolder, { recursive: true, mode: 0o755 });
    const moved = mkdtempSync(join(sharedFolder, 'data-'));
    if (runAs) chownSync(moved, runAs.uid, runAs.gid);
    symlinkSync(moved, cluster);
    onProgress(`The account of Postgres cannot access that folder; its files are in ${moved}.`);
  }
  await initdb(wanted);
}

async function initdb({ home, cluster, runAs, password, isDurable }: NewCluster): Promise<void> {
  // The password is passed in a file, because every user of the machine can see arguments. The account of Postgres can read files
  // beside the cluster.
  const data = realpathSync(cluster);
  const passwordFile = `${data}.password`;
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (runAs) chownSync(passwordFile, runAs.uid, runAs.gid);
  const args = ['-D', data, '-U', user, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'];
  const child = spawn(
    join(home, 'bin', 'initdb'),
    [...args, '--locale=C', isDurable ? '--sync-method=fsync' : '--no-sync'],
    {
      ...runAs,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  try {
    const code = await new Promise((done, fail) => child.once('error', fail).once('close', done));
    if (code !== 0) throw new Error(`initdb ended with ${String(code)}.\n${output.trim()}`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LocalServerError(`Postgres could not create its database in ${data}: ${reason}`, { cause });
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function rememberedPassword(folder: string): string {
  const file = join(folder, 'password');
  if (!exists(file)) writeFileSync(file, randomBytes(18).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

function urlOf(port: number, password: string, name: string): string {
  return `postgres://${user}:${password}@127.0.0.1:${port}/${name}`;
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Creates the database if it is missing. A query finds out whether it exists, because a busy server may not answer a connection to the
 * database in time.
 */
async function ensureDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${database}`);
  } finally {
    await client.end();
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
