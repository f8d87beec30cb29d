import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provideDatabase, System, type SystemOptions } from '@pns/e2e';
import { startRedis, startTemporaryServers, type LocalPostgres, type LocalRedis } from '@pns/local-servers';
import { startSandbox, type Sandbox, type SandboxOptions } from '@pns/sandbox';
import { Redis } from 'ioredis';
import { measuredNode } from './instructions';
import { measuringArgs } from './profile';

/**
 * The cache of Postgres, in MiB. The index and the rows of users who get notifications should fit into it. With a million subscriptions,
 * the rows of ten thousand users are in 160 MiB of pages, which is more than the default of Postgres.
 */
const postgresCacheMiB = 512;

let started: Pick<LocalPostgres, 'pid' | 'url'> = { pid: 0, url: '' };

/** The Postgres that all scenarios share. */
export function postgres(): Pick<LocalPostgres, 'pid' | 'url'> {
  return started;
}

/** Starts the Postgres that all scenarios share; returns a function that stops it. */
export async function startServers(): Promise<() => Promise<void>> {
  const wanted = { cacheMiB: postgresCacheMiB, isDurable: true };
  const servers = await startTemporaryServers({ postgres: wanted, redis: false });
  if (servers.postgres !== undefined) started = servers.postgres;
  provideDatabase(started.url);
  return () => servers.stop();
}

/** Whether each write of Redis is on disk before its answer, or at most a second later. */
export type Durability = 'always' | 'everysec';

let durability: Durability = 'always';

/** From now on each Redis of both sides is started with this setting, except that of `hostile-tenant`, which `npm start` starts. */
export function useDurability(wanted: Durability): void {
  durability = wanted;
}

/** The setting with which each Redis is started. */
export function durabilityOfRedis(): Durability {
  return durability;
}

async function relaxIfWanted({ url }: LocalRedis): Promise<void> {
  if (durability === 'always') return;
  const redis = new Redis(url);
  await redis.config('SET', 'appendfsync', durability);
  redis.disconnect();
}

/** Starts PNS for a measurement. Only the named apps are started. */
export async function startMeasured({ processes, nodeArgs = [], ...options }: SystemOptions): Promise<System> {
  const { file: node, args } = measuredNode([...measuringArgs(), ...nodeArgs]);
  const system = await System.start({
    ...options,
    node,
    processes: { api: 0, dispatcher: 0, 'worker-websocket': 0, 'worker-webhook': 0, ...processes },
    keepsLogs: false,
    nodeArgs: args,
  });
  await Promise.all((system.cluster?.masters ?? [system.redis]).map(relaxIfWanted));
  return system;
}

/** Gives `work` a separate Redis, with an append-only file. */
export async function withRedis<Answer>(work: (redis: LocalRedis) => Promise<Answer>): Promise<Answer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'pns-bench-'));
  const redis = await startRedis({ dataDir });
  try {
    await relaxIfWanted(redis);
    return await work(redis);
  } finally {
    await redis.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Gives `work` a separate sandbox, in this process. */
export async function withSandbox<Answer>(
  options: Omit<SandboxOptions, 'port'>,
  work: (sandbox: Sandbox) => Promise<Answer>,
): Promise<Answer> {
  const sandbox = await startSandbox({ port: 0, ...options });
  try {
    return await work(sandbox);
  } finally {
    await sandbox.close();
  }
}
