import { join } from 'node:path';
import { findProgram } from './find-program';
import { debianProgram, type Runnable } from './from-apt';
import { LocalServerError } from './local-server-error';
import type { Progress } from './server-process';

/**
 * Finds an installed promtool of Prometheus, or unpacks one from the system's packages.
 *
 * @throws LocalServerError with the command that installs one.
 */
export function promtool(onProgress: Progress = () => undefined): Runnable {
  const installed = findProgram('promtool');
  if (installed !== undefined) return { file: installed, env: process.env };
  const path = join('usr', 'bin', 'promtool');
  const program = debianProgram({ name: 'promtool', package: 'prometheus', path, downloadMegabytes: 20 }, onProgress);
  if (program !== undefined) return program;
  throw new LocalServerError(
    'There is no promtool on this machine; install one, for example with: apt-get install prometheus',
  );
}
