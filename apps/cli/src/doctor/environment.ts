import { environmentFaults } from '@pns/runtime/env';
import { PnsError } from '@pns/runtime/errors';
import type { Finding } from './finding';

/** Finds variables that would stop an app. */
export function environmentFindings(env: NodeJS.ProcessEnv): Finding[] {
  const cure = 'Correct it where the apps are started: .env, the unit file or the manifest.';
  return faultsOf(env).map((problem) => ({ where: 'environment', problem, cure }));
}

function faultsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    return environmentFaults(env);
  } catch (error) {
    if (!(error instanceof PnsError)) throw error;
    return [error.message];
  }
}
