import { spawnSync } from 'node:child_process';
import { type Dirent, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, isExecutable } from './find-program';
import type { Progress } from './server-process';

/** Deleted together with the project, and created again if it is missing. */
const cache = join(__dirname, '..', '..', '..', 'node_modules', '.cache', 'pns');

/** A program of a Debian package. */
export interface DebianProgram {
  /** Its display name. */
  readonly name: string;
  readonly package: string;
  /** The path of the program in the package. */
  readonly path: string;
  readonly downloadMegabytes: number;
}

/** The file of a program, and an environment in which it finds its libraries. */
export interface Runnable {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * A program from a package of Debian or Ubuntu, unpacked into the project. This needs no root, and starts no service
 * that would use a port.
 *
 * Undefined if there is no apt-get, or it cannot reach its servers.
 */
export function debianProgram(program: DebianProgram, onProgress: Progress): Runnable | undefined {
  const { name, package: wanted, path, downloadMegabytes } = program;
  const unpacked = join(cache, wanted);
  const file = join(unpacked, path);
  if (!isExecutable(file)) {
    if (!findProgram('apt-get') || !findProgram('dpkg-deb')) return undefined;
    onProgress(
      `There is no ${name} on this machine; fetching it with apt-get (about ${downloadMegabytes} MB, into node_modules/.cache).`,
    );
    const reason = unpack(wanted, unpacked);
    if (reason !== undefined) onProgress(`apt-get could not: ${reason}`);
  }
  return isExecutable(file) ? { file, env: { ...process.env, LD_LIBRARY_PATH: libraryPath(unpacked) } } : undefined;
}

/** Returns the reason if it fails. */
function unpack(wanted: string, unpacked: string): string | undefined {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'apt-'));
  try {
    const archives = join(work, 'cache', 'archives');
    const target = join(work, 'unpacked');
    for (const folder of [join(work, 'lists', 'partial'), join(archives, 'partial'), target]) {
      mkdirSync(folder, { recursive: true });
    }
    const apt = ['-qq', ...aptFolders(work)];
    const reason =
      run('apt-get', [...apt, 'update']) ??
      run('apt-get', [...apt, '-y', '--no-install-recommends', '--download-only', 'install', wanted]) ??
      firstReason(readdirSync(archives).filter(isPackage), (file) =>
        run('dpkg-deb', ['-x', join(archives, file), target]),
      );
    if (reason !== undefined) return reason;
    rmSync(unpacked, { recursive: true, force: true });
    renameSync(target, unpacked);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Lists and packages go to our own folder, so it needs no lock of the system and changes no system file. */
function aptFolders(work: string): string[] {
  const options = {
    'Dir::State::lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': '', // apt's account cannot read root's folders
    'Acquire::Retries': '2',
  };
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

const isPackage = (file: string): boolean => file.endsWith('.deb');

function firstReason<T>(items: readonly T[], attempt: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const reason = attempt(item);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function run(program: string, args: readonly string[]): string | undefined {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, error, stderr } = spawnSync(program, args, { env, encoding: 'utf8', timeout: 300_000 });
  if (status === 0) return undefined;
  return error?.message ?? stderr.trim().split('\n').at(-1) ?? `${program} ended with ${status}`;
}

/**
 * Packages put libraries into a folder named by the architecture, and some into a subfolder, which their other
 * libraries expect at its path on the system. The unpacked files show the subfolders.
 */
function libraryPath(unpacked: string): string {
  const bases = [join(unpacked, 'usr', 'lib'), join(unpacked, 'lib')];
  const named = bases.flatMap(subfolders);
  const own = named.flatMap(subfolders).filter((folder) => entries(folder).some(({ name }) => /^lib.+\.so/.test(name)));
  return [...named, ...bases, ...own].join(':');
}

function subfolders(folder: string): string[] {
  return entries(folder)
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name));
}

function entries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
