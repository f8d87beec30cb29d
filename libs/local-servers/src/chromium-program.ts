import { join } from 'node:path';
import { findProgram } from './find-program';
import { debianProgram, type Runnable } from './from-apt';
import { LocalServerError } from './local-server-error';
import type { Progress } from './server-process';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * Finds an installed Chromium, or unpacks one from the system's packages.
 *
 * @throws LocalServerError with the command that installs one.
 */
export function chromium(onProgress: Progress = () => undefined): Runnable {
  const installed = names.map(findProgram).find((file) => file !== undefined);
  if (installed !== undefined) return { file: installed, env: process.env };
  const path = join('usr', 'lib', 'chromium', 'chromium');
  const program = debianProgram({ name: 'Chromium', package: 'chromium', path, downloadMegabytes: 130 }, onProgress);
  if (program !== undefined) return program;
  throw new LocalServerError(
    'There is no Chromium on this machine; install one, for example with: apt-get install chromium',
  );
}
