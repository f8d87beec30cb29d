import { join } from 'node:path';
import { findProgram } from './find-program';
import { debianProgram, type Runnable } from './from-apt';
import { LocalServerError } from './local-server-error';
import type { Progress } from './server-process';

/** Each supported release of Debian and Ubuntu has one of these versions. */
const versions = ['8.2', '8.4', '8.3', '8.1'];

/**
 * Finds an installed command-line PHP, or unpacks one from the system's packages.
 *
 * @throws LocalServerError with the command that installs one.
 */
export function php(onProgress: Progress = () => undefined): Runnable {
  const installed = findProgram('php');
  if (installed !== undefined) return { file: installed, env: process.env };
  for (const version of versions) {
    const path = join('usr', 'bin', `php${version}`);
    const program = debianProgram(
      { name: 'PHP', package: `php${version}-cli`, path, downloadMegabytes: 3 },
      onProgress,
    );
    if (program !== undefined) return program;
  }
  throw new LocalServerError('There is no PHP on this machine; install one, for example with: apt-get install php-cli');
}
