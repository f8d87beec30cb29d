import { join } from 'node:path';
import { findProgram } from './find-program';
import { debianProgram, type Runnable } from './from-apt';
import { LocalServerError } from './local-server-error';
import type { Progress } from './server-process';

/**
 * Finds an installed nginx, or unpacks one from the system's packages.
 *
 * @throws LocalServerError with the command that installs one.
 */
export function nginx(onProgress: Progress = () => undefined): Runnable {
  const installed = findProgram('nginx');
  if (installed !== undefined) return { file: installed, env: process.env };
  const path = join('usr', 'sbin', 'nginx');
  const program = debianProgram({ name: 'nginx', package: 'nginx', path, downloadMegabytes: 2 }, onProgress);
  if (program !== undefined) return program;
  throw new LocalServerError('There is no nginx on this machine; install one, for example with: apt-get install nginx');
}
