import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Options of apt-get for packages of the Debian release `codename` on a machine with any release. Files are written to `work`.
 * With an empty list of installed packages, apt-get also downloads the C library and everything else that the programs load.
 */
export function ofRelease(codename: string, work: string, keyringFolder: string): string[] {
  const sources = join(work, 'sources.list');
  const status = join(work, 'status');
  const keyring = join(keyringFolder, 'debian-archive-keyring.gpg');
  writeFileSync(sources, `deb [signed-by=${keyring}] ${mirror()} ${codename} main\n`);
  writeFileSync(status, '');
  const options = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::status': status,
  };
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/** The mirror of Debian that this machine uses; Debian's own mirror on a machine with another distribution. */
function mirror(): string {
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', '$(REPO_URI)'], { encoding: 'utf8' });
  const used = (stdout ?? '').split('\n').find((uri) => /\/debian\/?$/.test(uri));
  return used ?? 'http://deb.debian.org/debian';
}
