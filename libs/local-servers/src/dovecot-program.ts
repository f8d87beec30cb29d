import { dirname } from 'node:path';
import { findProgram } from './find-program';
import { debianProgram } from './from-apt';
import { LocalServerError } from './local-server-error';
import type { Progress } from './server-process';

/** The versions of Dovecot with which PNS is tested. */
export type DovecotVersion = '2.3' | '2.4';

/** The releases of Debian with these versions. */
const releases: Readonly<Record<DovecotVersion, string>> = { '2.3': 'bookworm', '2.4': 'trixie' };

/**
 * The folder `usr` of Debian's Dovecot with IMAP, LMTP, Sieve and Lua, and of all libraries that it loads. Its programs have their
 * own paths compiled in, so the folder must be mounted as `/usr`. An installed Dovecot is not used, because it has one version only.
 *
 * @throws LocalServerError when it cannot be downloaded or mounted.
 */
export function dovecotUsr(version: DovecotVersion, onProgress: Progress = () => undefined): string {
  const program = debianProgram(
    {
      name: `Dovecot ${version}`,
      package: 'dovecot-imapd',
      others: ['dovecot-lmtpd', 'dovecot-sieve', 'dovecot-auth-lua'],
      path: 'usr/sbin/dovecot',
      downloadMegabytes: 31,
      release: releases[version],
    },
    onProgress,
  );
  if (program !== undefined && findProgram('unshare') !== undefined) return dirname(dirname(program.file));
  throw new LocalServerError(
    `Dovecot ${version} needs Linux with apt-get, dpkg-deb and unshare, and a connection to a mirror of Debian.`,
  );
}
