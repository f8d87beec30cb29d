import { cpus, release, totalmem, type } from 'node:os';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { type Durability, durabilityOfRedis, postgres, withRedis } from './servers';

/** The versions, the settings and the machine of a run. Figures are comparable only if all of these are equal. */
export interface Environment {
  readonly node: string;
  readonly redis: string;
  readonly postgres: string;
  /** Redis' `appendfsync`. */
  readonly durability: Durability;
  readonly machine: string;
}

/** The environment of this process and of the servers that it starts. */
export async function environment(): Promise<Environment> {
  const memoryGiB = (totalmem() / 2 ** 30).toFixed(1);
  return {
    node: process.versions.node,
    redis: await withRedis(({ url }) => redisVersion(url)),
    postgres: await postgresVersion(),
    durability: durabilityOfRedis(),
    machine: `${cpus().length} cores of ${cpus()[0]?.model.trim() ?? 'an unknown CPU'}, ${memoryGiB} GiB, ${type()} ${release()}`,
  };
}

async function redisVersion(url: string): Promise<string> {
  const redis = new Redis(url);
  const [, version = 'unknown'] = /^(?:redis|valkey)_version:(\S+)/m.exec(await redis.info('server')) ?? [];
  redis.disconnect();
  return version;
}

async function postgresVersion(): Promise<string> {
  const client = new Client({ connectionString: postgres().url });
  await client.connect();
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
  await client.end();
  return rows[0]?.server_version ?? 'unknown';
}

/** The environment in one line. */
export function environmentText({ node, redis, postgres: database, durability, machine }: Environment): string {
  return `Node ${node}, Redis ${redis} with appendfsync ${durability}, Postgres ${database}, ${machine}`;
}
