import { readEnvironment } from '@pns/runtime';

/** The environment of a worker app. @throws PnsError with one sentence when a variable is missing or has a bad value. */
export const workerEnv = () =>
  readEnvironment([
    'DATABASE_URL',
    'REDIS_URL',
    'PNS_SHARDS',
    'PNS_CONFIG_DIR',
    'PNS_ENCRYPTION_KEY',
    'PNS_HEALTH_PORT',
  ]);

export type WorkerEnv = ReturnType<typeof workerEnv>;
