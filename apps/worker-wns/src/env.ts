import { readEnvironment } from '@pns/runtime';

export const workerWnsEnv = () =>
  readEnvironment([
    'DATABASE_URL',
    'REDIS_URL',
    'PNS_SHARDS',
    'PNS_CONFIG_DIR',
    'PNS_ENCRYPTION_KEY',
    'PNS_HEALTH_PORT',
  ]);
