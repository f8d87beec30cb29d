import { readEnvironment } from '@pns/runtime/env';
import { PnsError } from '@pns/runtime/errors';
import type { Finding } from './finding';

/** Finds variables that would stop an app. */
export function environmentFindings(env: NodeJS.ProcessEnv): Finding[] {
  try {
    readEnvironment([], env);
    return [];
  } catch (error) {
    if (!(error instanceof PnsError)) throw error;
    const cure = 'Correct it where the apps are started: .env, the unit file or the manifest.';
    return [{ where: 'environment', problem: error.message, cure }];
  }
}
