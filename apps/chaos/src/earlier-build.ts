import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { apps } from './plans';

const root = join(__dirname, '..', '..', '..');

/** The built apps of a commit. */
export interface EarlierBuild {
  readonly folder: string;
  remove(): void;
}

/** Builds the apps of a commit of this clone in a temporary folder, with the installed packages of this clone. */
export function buildOf(commit: string, say: (line: string) => void): EarlierBuild {
  const tree = join(mkdtempSync(join(tmpdir(), 'pns-chaos-build-')), 'pns');
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  git('worktree', 'add', '--detach', tree, commit);
  linkPackages(tree);
  say(`building ${commit}`);
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '--build', ...apps.map((app) => `apps/${app}`)], {
    cwd: tree,
    stdio: 'inherit',
  });
  return {
    folder: join(tree, 'apps'),
    remove: () => {
      git('worktree', 'remove', '--force', tree);
      rmSync(dirname(tree), { recursive: true, force: true });
    },
  };
}

/** Packages of the workspace are those of the tree, all others those of this clone. */
function linkPackages(tree: string): void {
  const [from, to] = [join(root, 'node_modules'), join(tree, 'node_modules')];
  const own = '@pns';
  mkdirSync(join(to, own), { recursive: true });
  for (const name of readdirSync(from)) if (name !== own) symlinkSync(join(from, name), join(to, name));
  for (const name of readdirSync(join(from, own))) {
    symlinkSync(join(to, own, readlinkSync(join(from, own, name))), join(to, own, name));
  }
}
