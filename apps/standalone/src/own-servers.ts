import { join } from 'node:path';
import { startPostgres, startRedis } from '@pns/local-servers';
import { isSet, provideDefaults } from './env';

interface OwnServers {
  /** The location of Postgres, as text for the banner. */
  readonly postgres: string;
  readonly redis: string;
  readonly stop: () => Promise<void>;
}

/** Starts a Postgres and a Redis below `dataDir`, unless a variable names one, and sets the variables. */
export async function startOwnServers(dataDir: string, onProgress: (line: string) => void): Promise<OwnServers> {
  const unlessSet = async <T>(name: 'DATABASE_URL' | 'REDIS_URL', start: () => Promise<T>) =>
    isSet(name) ? undefined : start();
  const starts = [
    unlessSet('DATABASE_URL', () => startPostgres({ dataDir: join(dataDir, 'postgres'), onProgress })),
    unlessSet('REDIS_URL', () => startRedis({ dataDir: join(dataDir, 'redis'), onProgress })),
  ] as const;
  const stop = async (): Promise<void> => {
    for (const start of await Promise.allSettled(starts)) if (start.status === 'fulfilled') await start.value?.stop();
  };
  try {
    const [postgres, redis] = await Promise.all(starts);
    if (postgres) provideDefaults({ DATABASE_URL: postgres.url });
    if (redis) provideDefaults({ REDIS_URL: redis.url });
    const kept = redis?.kind === 'js' ? 'in memory only' : `data in ${join(dataDir, 'redis')}`;
    return {
      postgres: postgres ? `port ${postgres.port}, data in ${join(dataDir, 'postgres')}` : 'the one of DATABASE_URL',
      redis: redis ? `port ${redis.port}, ${kept}` : 'the one of REDIS_URL',
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
