import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provideDatabase } from '@pns/e2e';
import { startRedis, startTemporaryServers, type LocalRedis } from '@pns/local-servers';
import { startSandbox, type Sandbox, type SandboxOptions } from '@pns/sandbox';

/**
 * What Postgres keeps in memory, in MiB: the index and the rows of users who get notifications should fit, and of a million
 * subscriptions those of ten thousand users spread over them are 160 MiB of pages, more than Postgres takes by itself.
 */
const postgresCacheMiB = 512;

let startedPostgres = 0;

/** The process of the Postgres that all scenarios share. */
export function postgresPid(): number {
  return startedPostgres;
}

/** Starts the Postgres that all scenarios share; returns a function that stops it. */
export async function startServers(): Promise<() => Promise<void>> {
  const servers = await startTemporaryServers({ postgres: { cacheMiB: postgresCacheMiB }, redis: false });
  provideDatabase(servers.postgres?.url ?? '');
  startedPostgres = servers.postgres?.pid ?? 0;
  return () => servers.stop();
}

/** Gives `work` a separate Redis, with an append-only file. */
export async function withRedis<Answer>(work: (redis: LocalRedis) => Promise<Answer>): Promise<Answer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'pns-bench-'));
  const redis = await startRedis({ dataDir });
  try {
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
