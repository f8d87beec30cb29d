import { join } from 'node:path';
import { findProgram } from './find-program';
import { debianProgram, type Runnable } from './from-apt';
import { LocalServerError } from './local-server-error';
import type { Progress } from './server-process';

/**
 * Finds an installed HAProxy, or unpacks one from the system's packages.
 *
 * @throws LocalServerError with the command that installs one.
 */
export function haproxy(onProgress: Progress = () => undefined): Runnable {
  const installed = findProgram('haproxy');
  if (installed !== undefined) return { file: installed, env: process.env };
  const path = join('usr', 'sbin', 'haproxy');
  const program = debianProgram({ name: 'HAProxy', package: 'haproxy', path, downloadMegabytes: 3 }, onProgress);
  if (program !== undefined) return program;
  throw new LocalServerError(
    'There is no HAProxy on this machine; install one, for example with: apt-get install haproxy',
  );
}
