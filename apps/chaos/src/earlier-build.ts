import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AppName } from '@pns/e2e';
import { apps } from './plans';

const root = join(__dirname, '..', '..', '..');

/** The built apps of a commit. */
export interface EarlierBuild {
  readonly folder: string;
  /** The apps that exist in that commit. */
  readonly apps: readonly AppName[];
  remove(): void;
}

/** Installs the packages that a commit of this clone locks, and builds its apps, in a temporary folder. */
export function buildOf(commit: string, say: (line: string) => void): EarlierBuild {
  const tree = join(mkdtempSync(join(tmpdir(), 'pns-chaos-build-')), 'pns');
  const run = (cwd: string, program: string, ...args: string[]) =>
    execFileSync(program, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const git = (...args: string[]) => run(root, 'git', ...args);
  const remove = (): void => {
    git('worktree', 'remove', '--force', tree);
    rmSync(dirname(tree), { recursive: true, force: true });
  };
  git('worktree', 'add', '--detach', tree, commit);
  try {
    say(`installing the packages of ${commit}`);
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
    run(tree, 'npm', 'ci', '--ignore-scripts', '--prefer-offline', ...quiet);
    say(`building ${commit}`);
    const folder = join(tree, 'apps');
    const existing = apps.filter((app) => existsSync(join(folder, app)));
    const tsc = join(tree, 'node_modules', 'typescript', 'bin', 'tsc');
    run(tree, process.execPath, tsc, '--build', ...existing.map((app) => join(folder, app)));
    return { folder, apps: existing, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
