import { readEnvironment } from '@pns/runtime';

/** Reads the environment variables of the API. */
export function readApiEnvironment() {
  return readEnvironment([
    'DATABASE_URL',
    'REDIS_URL',
    'PNS_API_PORT',
    'PNS_CONFIG_DIR',
    'PNS_SHARDS',
    'PNS_QUEUE_BOARD',
    'PNS_BOOTSTRAP_API_KEY',
    'PNS_SESSION_SECRET',
    'PNS_SESSION_JWKS_URL',
    'PNS_ENCRYPTION_KEY',
  ]);
}
