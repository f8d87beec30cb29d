import { join } from 'node:path';
import { findProgram } from './find-program';
import { debianProgram, type Runnable } from './from-apt';
import { LocalServerError } from './local-server-error';
import type { Progress } from './server-process';

/** A program in the packages of Debian and Ubuntu. */
interface Wanted {
  readonly name: string;
  /** The names of the program on the PATH. */
  readonly commands: readonly string[];
  /** The package to install, for the error message. */
  readonly install: string;
  /** The packages that may contain the program, and its path in each. */
  readonly packages: readonly (readonly [name: string, ...path: string[]])[];
  readonly downloadMegabytes: number;
}

/**
 * Returns a function that finds an installed program, or unpacks one from the system's packages. It throws LocalServerError with the
 * command that installs the program.
 */
function finderOf({ name, commands, install, packages, downloadMegabytes }: Wanted) {
  return (onProgress: Progress = () => undefined): Runnable => {
    const installed = commands.map(findProgram).find((file) => file !== undefined);
    if (installed !== undefined) return { file: installed, env: process.env };
    for (const [packageName, ...path] of packages) {
      const wanted = { name, package: packageName, path: join(...path), downloadMegabytes };
      const program = debianProgram(wanted, onProgress);
      if (program !== undefined) return program;
    }
    throw new LocalServerError(
      `There is no ${name} on this machine; install one, for example with: apt-get install ${install}`,
    );
  };
}

/** The browser Chromium. */
export const chromium = finderOf({
  name: 'Chromium',
  commands: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  install: 'chromium',
  packages: [['chromium', 'usr', 'lib', 'chromium', 'chromium']],
  downloadMegabytes: 130,
});

/** The browser Firefox, as a release with long support. */
export const firefox = finderOf({
  name: 'Firefox',
  commands: ['firefox-esr', 'firefox'],
  install: 'firefox-esr',
  packages: [['firefox-esr', 'usr', 'lib', 'firefox-esr', 'firefox-esr']],
  downloadMegabytes: 80,
});

export const haproxy = finderOf({
  name: 'HAProxy',
  commands: ['haproxy'],
  install: 'haproxy',
  packages: [['haproxy', 'usr', 'sbin', 'haproxy']],
  downloadMegabytes: 3,
});

export const nginx = finderOf({
  name: 'nginx',
  commands: ['nginx'],
  install: 'nginx',
  packages: [['nginx', 'usr', 'sbin', 'nginx']],
  downloadMegabytes: 2,
});

/** Each supported release of Debian and Ubuntu has one of these versions. */
const phpVersions = ['8.2', '8.4', '8.3', '8.1'];

/** The command line of PHP. */
export const php = finderOf({
  name: 'PHP',
  commands: ['php'],
  install: 'php-cli',
  packages: phpVersions.map((version) => [`php${version}-cli`, 'usr', 'bin', `php${version}`] as const),
  downloadMegabytes: 3,
});

/** Prometheus' checker of alert rules. */
export const promtool = finderOf({
  name: 'promtool',
  commands: ['promtool'],
  install: 'prometheus',
  packages: [['prometheus', 'usr', 'bin', 'promtool']],
  downloadMegabytes: 20,
});
