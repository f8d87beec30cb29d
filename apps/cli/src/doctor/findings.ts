import { log } from '@pns/runtime';
import type { Cli } from '../cli';
import { UsageError, type DoctorEnv } from '../env';
import { apiFindings } from './api';
import { environmentFindings } from './environment';
import type { Finding } from './finding';
import { postgresFindings } from './postgres';
import { redisFindings } from './redis';

/** Checks all parts of an installation at once. A part that cannot be checked is a finding, and the others are still checked. */
export async function findingsOf(api: () => Pick<Cli, 'client' | 'url'>, env: DoctorEnv): Promise<Finding[]> {
  // The libraries log the servers for which they wait. Here an unreachable server is a finding instead.
  log.level = 'silent';
  const ofEnvironment = environmentFindings(env.all);
  const { redisUrl, databaseUrl, configDir } = env;
  const isFaulty = (variable: string) => ofEnvironment.some(({ problem }) => problem.startsWith(variable));
  // This module is loaded only if needed, because loading the providers' clients takes half of a run's time. It is loaded before
  // the checks start, because their time-outs would run during the loading.
  const folder = configDir === undefined ? undefined : await import('./folder.js');
  const found = await Promise.all([
    redisUrl === undefined || isFaulty('REDIS_URL') ? [] : lookedAt('Redis', () => redisFindings(redisUrl)),
    databaseUrl === undefined || isFaulty('DATABASE_URL')
      ? []
      : lookedAt('Postgres', () => postgresFindings(databaseUrl)),
    lookedAt('API', () => findingsOfApi(api)),
    configDir === undefined || folder === undefined
      ? []
      : lookedAt(configDir, () => folder.folderFindings(configDir, env.all)),
  ]);
  return withoutRepeats([...ofEnvironment, ...found.flat()]);
}

/** Removes repeated findings, because the API and this process may read the same configuration folder. */
function withoutRepeats(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((each) => [`${each.where} ${each.problem}`, each])).values()];
}

async function findingsOfApi(api: () => Pick<Cli, 'client' | 'url'>): Promise<Finding[]> {
  const { client, url } = api();
  return apiFindings(client, url);
}

async function lookedAt(where: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    const problem = `It was not checked: ${error instanceof Error ? error.message : String(error)}`;
    const cure =
      error instanceof UsageError || (error as { code?: string }).code === 'CONFIG_INVALID'
        ? 'Correct it, and run pns doctor again.'
        : 'See its log, and the rights of the account.';
    return [{ where, problem, cure }];
  }
}
