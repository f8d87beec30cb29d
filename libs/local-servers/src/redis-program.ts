import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { findProgram } from './find-program';
import { debianProgram } from './from-apt';
import { LocalServerError } from './local-server-error';
import type { Progress } from './server-process';

/** A program that runs a Redis. `js` is a slow stand-in that keeps its data in memory only. */
export interface RedisProgram {
  readonly kind: 'redis' | 'valkey' | 'js';
  readonly file: string;
  readonly leadingArgs?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * An installed Redis, else one from the system's packages, else the stand-in. If the environment variable `TEST_REDIS` is
 * `redis` or `valkey`, only an installed server of this kind is returned.
 *
 * @throws LocalServerError if the server that `TEST_REDIS` names is not installed.
 */
export function redisProgram(onProgress: Progress): RedisProgram {
  const wanted = process.env['TEST_REDIS'];
  if (wanted !== undefined) return testedRedis(wanted);
  return installedRedis() ?? debianRedis(onProgress) ?? brewRedis(onProgress) ?? standIn(onProgress);
}

const kinds = ['redis', 'valkey'] as const;

function testedRedis(wanted: string): RedisProgram {
  const kind = kinds.find((each) => each === wanted);
  if (kind === undefined) throw new LocalServerError(`TEST_REDIS must be one of: ${kinds.join(', ')}.`);
  const file = findProgram(`${kind}-server`);
  if (file === undefined) throw new LocalServerError(`TEST_REDIS is ${kind}, and no ${kind}-server is on the PATH.`);
  return { kind, file };
}

function installedRedis(): RedisProgram | undefined {
  for (const kind of kinds) {
    const file = findProgram(`${kind}-server`);
    if (file) return { kind, file };
  }
  return undefined;
}

function debianRedis(onProgress: Progress): RedisProgram | undefined {
  const path = join('usr', 'bin', 'redis-server');
  const program = debianProgram({ name: 'Redis', package: 'redis-server', path, downloadMegabytes: 10 }, onProgress);
  return program && { kind: 'redis', ...program };
}

/** Installs Redis with Homebrew, which needs no root and starts no service by itself; undefined without Homebrew. */
function brewRedis(onProgress: Progress): RedisProgram | undefined {
  const brew = process.platform === 'darwin' ? findProgram('brew') : undefined;
  if (!brew) return undefined;
  onProgress('There is no Redis on this machine; installing it with `brew install redis`.');
  const env = { ...process.env, HOMEBREW_NO_AUTO_UPDATE: '1' };
  spawnSync(brew, ['install', '--quiet', 'redis'], { env, stdio: 'ignore' });
  return installedRedis();
}

function standIn(onProgress: Progress): RedisProgram {
  const install = process.platform === 'darwin' ? 'brew install redis' : 'apt-get install redis-server';
  onProgress(
    `No Redis is available: using a slow stand-in that keeps its data in memory only. Install a real one: ${install}`,
  );
  const script = join(dirname(require.resolve('js-redis-server')), 'cli.js');
  return { kind: 'js', file: process.execPath, leadingArgs: [script] };
}
