import { spawnSync } from 'node:child_process';
import { cpSync, type Dirent, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ofRelease } from './debian-release';
import { findProgram, isExecutable } from './find-program';
import type { Progress } from './server-process';

/** The folder for unpacked programs. It is in node_modules, so it is removed with the project; created when missing. */
export const cache = join(__dirname, '..', '..', '..', 'node_modules', '.cache', 'pns');

/** A program of a Debian package. */
interface DebianProgram {
  /** The name for messages. */
  readonly name: string;
  readonly package: string;
  /** Packages that are unpacked into the same folder. */
  readonly others?: readonly string[];
  /** The path of the program in the package. */
  readonly path: string;
  readonly downloadMegabytes: number;
  /** The codename of the Debian release that has the packages, with all libraries. Default: the release of the machine. */
  readonly release?: string;
}

/** The file of a program, and the environment in which it finds its libraries. */
export interface Runnable {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Unpacks a program of a Debian or Ubuntu package into the project. Unlike an installation this needs no root, and no service is
 * installed that would start automatically and use a port.
 *
 * Returns undefined if there is no apt-get, or if it cannot reach its servers.
 */
export function debianProgram(program: DebianProgram, onProgress: Progress): Runnable | undefined {
  const { name, package: wanted, others = [], path, downloadMegabytes, release } = program;
  const unpacked = join(cache, release === undefined ? wanted : `${wanted}-${release}`);
  const file = join(unpacked, path);
  if (!isExecutable(file)) {
    if (!findProgram('apt-get') || !findProgram('dpkg-deb')) return undefined;
    onProgress(
      `There is no ${name} on this machine; downloading it with apt-get (about ${downloadMegabytes} MB, into node_modules/.cache).`,
    );
    const reason = unpack([wanted, ...others], unpacked, release);
    if (reason !== undefined) onProgress(`apt-get failed: ${reason}`);
  }
  return isExecutable(file) ? { file, env: { ...process.env, LD_LIBRARY_PATH: libraryPath(unpacked) } } : undefined;
}

/** Returns the reason of a failure, else undefined. */
function unpack(wanted: readonly string[], unpacked: string, release?: string): string | undefined {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'apt-'));
  try {
    const archives = join(work, 'cache', 'archives');
    const target = join(work, 'unpacked');
    for (const folder of [join(work, 'lists', 'partial'), join(archives, 'partial'), target]) {
      mkdirSync(folder, { recursive: true });
    }
    const apt = [
      '-qq',
      ...aptFolders(work),
      ...(release === undefined ? [] : ofRelease(release, work, keyringFolder())),
    ];
    const reason =
      run('apt-get', [...apt, 'update']) ??
      run('apt-get', [...apt, '-y', '--no-install-recommends', '--download-only', 'install', ...wanted]) ??
      firstReason(readdirSync(archives).filter(isPackage), (file) =>
        run('dpkg-deb', ['-x', join(archives, file), target]),
      );
    if (reason !== undefined) return reason;
    if (release !== undefined) mergeUsr(target);
    rmSync(unpacked, { recursive: true, force: true });
    renameSync(target, unpacked);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Copies `lib` and similar folders of packages up to Debian 12 into `usr`. On an installed system they are links into `/usr`. */
function mergeUsr(folder: string): void {
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) {
    if (!existsSync(join(folder, name))) continue;
    cpSync(join(folder, name), join(folder, 'usr', name), { recursive: true, verbatimSymlinks: true });
  }
}

/** The folder with Debian's keys. Other distributions have them in a package. */
function keyringFolder(): string {
  const keyrings = join('usr', 'share', 'keyrings');
  const wanted = 'debian-archive-keyring';
  if (existsSync(join('/', keyrings, `${wanted}.gpg`))) return join('/', keyrings);
  const unpacked = join(cache, wanted);
  if (!existsSync(unpacked)) unpack([wanted], unpacked);
  return join(unpacked, keyrings);
}

/** Options that give apt-get its own folders for lists and packages, so that it needs no lock and does not change the system. */
function aptFolders(work: string): string[] {
  const options = {
    'Dir::State::lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': '', // apt's account cannot read the folders of root
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
 * The `LD_LIBRARY_PATH` for unpacked packages. Their libraries are in a folder with the name of the architecture. Some are in
 * subfolders, and other libraries reference them by their paths on an installed system, so these subfolders are listed too.
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
