import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { folderOwner } from '@pns/local-servers/folder-claim';
import { PnsError } from '@pns/runtime/errors';
import { standaloneEnv } from './env';
import { portFaults } from './port-faults';

/**
 * Finds faults that would stop `npm start`, without starting anything. It runs before the build, so it imports only
 * files that load quickly and without a build.
 *
 * @throws PnsError with one sentence for the first fault.
 */
export async function checkStart(): Promise<void> {
  const env = standaloneEnv();
  const owner = folderOwner(resolve(env.PNS_DATA_DIR));
  if (owner !== undefined) throw new PnsError('RUNS_ALREADY', runsAlready(owner));
  if (!existsSync(env.PNS_CONFIG_DIR)) {
    const sentence = `PNS_CONFIG_DIR: ${resolve(env.PNS_CONFIG_DIR)} does not exist. Create it, or name another folder.`;
    throw new PnsError('CONFIG_INVALID', sentence);
  }
  const { api, websocket } = await portFaults(env);
  const fault = api ?? websocket;
  if (fault !== undefined) throw new PnsError('PORT_IN_USE', fault);
}

/** The error message for a start on data that the process `pid` uses. */
export function runsAlready(pid: number): string {
  const another = 'PNS_DATA_DIR=.data/another PNS_API_PORT=0 PNS_WEBSOCKET_PORT=0 PNS_SANDBOX_PORT=0 npm start';
  return `PNS runs already on this data, as process ${pid}. Stop that process (Ctrl-C, or kill ${pid}), or start another one beside it: ${another}`;
}
