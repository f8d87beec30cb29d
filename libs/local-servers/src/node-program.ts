import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, isExecutable } from './find-program';
import { cache } from './from-apt';
import { LocalServerError } from './local-server-error';
import type { Progress } from './server-process';

/**
 * The path of a Node of this major version: the running Node, or a Node from npm, which is kept in node_modules/.cache.
 *
 * @throws LocalServerError if npm cannot provide it.
 */
export function nodeProgram(major: number, onProgress: Progress = () => undefined): string {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const unpacked = join(cache, `node-${major}`);
  const name = `node-${process.platform}-${process.arch}`;
  const file = join(unpacked, 'node_modules', name, 'bin', 'node');
  if (isExecutable(file)) return file;
  onProgress(`Downloading Node ${major} with npm (about 50 MB, into node_modules/.cache).`);
  const reason = install(`${name}@${major}`, unpacked);
  if (reason === undefined && isExecutable(file)) return file;
  throw new LocalServerError(`npm could not provide Node ${major}: ${reason ?? `${name} contains no Node`}`);
}

/** Returns the reason of a failure, else undefined. */
function install(wanted: string, unpacked: string): string | undefined {
  const npm = findProgram('npm');
  if (npm === undefined) return 'there is no npm on the PATH';
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'npm-'));
  try {
    const args = ['install', '--prefix', work, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', wanted];
    const { status, error, stderr } = spawnSync(npm, args, { cwd: work, encoding: 'utf8', timeout: 300_000 });
    if (status !== 0) return error?.message ?? stderr.trim().split('\n')[0] ?? `it ended with ${status}`;
    rmSync(unpacked, { recursive: true, force: true });
    renameSync(work, unpacked);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
