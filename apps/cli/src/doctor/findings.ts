import type { PnsClient } from '@pns/client';
import { log } from '@pns/runtime';
import type { DoctorEnv } from '../env';
import { apiFindings } from './api';
import { environmentFindings } from './environment';
import type { Finding } from './finding';
import { postgresFindings } from './postgres';
import { redisFindings } from './redis';

/** Looks at all parts of an installation at once. */
export async function findingsOf(client: PnsClient, url: string, env: DoctorEnv): Promise<Finding[]> {
  // The libraries log what they wait for; here it is a finding.
  log.level = 'silent';
  const found = await Promise.all([
    env.redisUrl === undefined ? [] : redisFindings(env.redisUrl),
    env.databaseUrl === undefined ? [] : postgresFindings(env.databaseUrl),
    apiFindings(client, url),
  ]);
  return [...environmentFindings(env.all), ...found.flat()];
}
