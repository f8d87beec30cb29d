import { readEnvironment } from '@pns/runtime';

export const dispatcherEnv = () =>
  readEnvironment(['DATABASE_URL', 'REDIS_URL', 'PNS_SHARDS', 'PNS_CONFIG_DIR', 'PNS_HEALTH_PORT']);
