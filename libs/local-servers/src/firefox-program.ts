import { join } from 'node:path';
import { findProgram } from './find-program';
import { debianProgram, type Runnable } from './from-apt';
import { LocalServerError } from './local-server-error';
import type { Progress } from './server-process';

const names = ['firefox-esr', 'firefox'];

/**
 * Finds an installed Firefox, or unpacks one from the system's packages.
 *
 * @throws LocalServerError with the command that installs one.
 */
export function firefox(onProgress: Progress = () => undefined): Runnable {
  const installed = names.map(findProgram).find((file) => file !== undefined);
  if (installed !== undefined) return { file: installed, env: process.env };
  const path = join('usr', 'lib', 'firefox-esr', 'firefox-esr');
  const program = debianProgram({ name: 'Firefox', package: 'firefox-esr', path, downloadMegabytes: 80 }, onProgress);
  if (program !== undefined) return program;
  throw new LocalServerError(
    'There is no Firefox on this machine; install one, for example with: apt-get install firefox-esr',
  );
}
