import { readEnvironment } from '@pns/runtime';

export const workerWebsocketEnv = () =>
  readEnvironment([
    'DATABASE_URL',
    'REDIS_URL',
    'PNS_SHARDS',
    'PNS_CONFIG_DIR',
    'PNS_HEALTH_PORT',
    'PNS_WEBSOCKET_PORT',
    'PNS_SESSION_SECRET',
    'PNS_SESSION_JWKS_URL',
  ]);
