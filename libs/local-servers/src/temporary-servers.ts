import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type LocalPostgres, type PostgresOptions } from './postgres';
import { endReaper, leftBehind } from './reaper';
import { startRedis, type LocalRedis } from './redis';
import type { Progress } from './server-process';

/** Running servers whose data is temporary. */
export interface TemporaryServers {
  /** Absent when it was not requested. */
  readonly postgres: LocalPostgres | undefined;
  readonly redis: LocalRedis | undefined;
  /** Stops the servers and removes their data. */
  stop(): Promise<void>;
}

/**
 * Starts servers with temporary data. When this process ends, also by `kill -9`, the servers are stopped and their data is removed.
 */
export async function startTemporaryServers(
  wanted: { readonly postgres: boolean | Pick<PostgresOptions, 'cacheMiB' | 'isDurable'>; readonly redis: boolean },
  onProgress?: Progress,
): Promise<TemporaryServers> {
  const folder = mkdtempSync(join(tmpdir(), 'pns-'));
  chmodSync(folder, 0o755); // Postgres may run as another account
  leftBehind.removeAtEnd(folder);
  const progress = onProgress && { onProgress };
  const folders = [folder];
  const chosen = typeof wanted.postgres === 'object' ? wanted.postgres : {};
  const startedPostgres = wanted.postgres
    ? startPostgres({ dataDir: join(folder, 'postgres'), isDurable: false, ...chosen, ...progress })
    : Promise.resolve(undefined);
  const startedRedis = wanted.redis
    ? startRedis({ dataDir: join(folder, 'redis'), isDurable: false, ...progress })
    : Promise.resolve(undefined);
  const stop = async (): Promise<void> => {
    const servers = await Promise.allSettled([startedPostgres, startedRedis]);
    await Promise.all(servers.map(async (start) => start.status === 'fulfilled' && start.value?.stop()));
    for (const each of folders) rmSync(each, { recursive: true, force: true });
    await endReaper();
  };
  try {
    const [postgres, redis] = await Promise.all([startedPostgres, startedRedis]);
    if (postgres) {
      leftBehind.removeAtEnd(postgres.dataFolder);
      folders.push(postgres.dataFolder);
    }
    return { postgres, redis, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
