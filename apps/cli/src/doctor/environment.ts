import { environmentFaults, readEnvironment, sessionKeyOf } from '@pns/runtime/env';
import { PnsError } from '@pns/runtime/errors';
import type { Finding } from './finding';

/** The secrets without which the API does not start. */
const neededByApi = ['PNS_ENCRYPTION_KEY', 'PNS_SESSION_SECRET', 'PNS_SESSION_JWKS_URL'] as const;

/** Whether these are the variables of an API. A shell that only sends requests has fewer, and the workers have no API key. */
function isOfApi(env: NodeJS.ProcessEnv): boolean {
  const needed = ['DATABASE_URL', 'REDIS_URL', 'PNS_BOOTSTRAP_API_KEY'];
  return needed.every((name) => [env[name], env[`${name}_FILE`]].some((value) => (value ?? '') !== ''));
}

/** Finds variables that would stop an app, and variables that an API lacks. */
export function environmentFindings(env: NodeJS.ProcessEnv): Finding[] {
  const cure = 'Correct it where the apps are started: .env, the unit file or the manifest.';
  return faultsOf(env).map((problem) => ({ where: 'environment', problem, cure }));
}

function faultsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    const faults = environmentFaults(env);
    if (faults.length === 0 && isOfApi(env)) sessionKeyOf(readEnvironment(neededByApi, env));
    return faults;
  } catch (error) {
    if (!(error instanceof PnsError)) throw error;
    return [error.message];
  }
}
