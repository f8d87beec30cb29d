import { readEnvironment } from '@pns/runtime';

export const workerWebsocketEnv = () =>
  readEnvironment([
    'DATABASE_URL',
    'REDIS_URL',
    'PNS_SHARDS',
    'PNS_CONFIG_DIR',
    'PNS_WEBSOCKET_PORT',
    'PNS_TRUSTED_PROXIES',
    'PNS_SESSION_SECRET',
    'PNS_SESSION_JWKS_URL',
  ]);

/**
 * The separate port of health checks, if one is set. The default of the other workers does not apply, because several nodes on one
 * host would use the same port.
 */
export function extraHealthPort(env: NodeJS.ProcessEnv = process.env): number | undefined {
  const name = 'PNS_HEALTH_PORT';
  return (env[name] ?? '') === '' ? undefined : readEnvironment([name], env)[name];
}
