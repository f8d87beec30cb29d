import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './find-program';
import { cache, debianProgram } from './from-apt';
import { LocalServerError } from './local-server-error';
import type { Progress } from './server-process';

/** Its programs have their own paths compiled in. */
const path = join('usr', 'sbin', 'dovecot');
const modules = ['lib22_push_notification_lua_plugin.so', 'lib90_sieve_plugin.so'];

/** The folder whose `usr` must be laid over the system's; undefined where Dovecot is installed. */
export interface DovecotProgram {
  readonly overlay: string | undefined;
}

/**
 * Finds an installed Dovecot with IMAP, LMTP, Sieve and Lua, or unpacks one from the system's packages.
 *
 * @throws LocalServerError with the command that installs one.
 */
export function dovecot(onProgress: Progress = () => undefined): DovecotProgram {
  const isInstalled = modules.every((module) => existsSync(join('/usr/lib/dovecot/modules', module)));
  if (isInstalled && existsSync(join('/', path)) && existsSync('/usr/lib/dovecot/lmtp')) return { overlay: undefined };
  const packages = ['dovecot-imapd', 'dovecot-lmtpd', 'dovecot-sieve', 'dovecot-auth-lua'];
  const [first = '', ...others] = packages;
  const program = debianProgram({ name: 'Dovecot', package: first, others, path, downloadMegabytes: 11 }, onProgress);
  if (program !== undefined && findProgram('unshare') !== undefined) return { overlay: join(cache, first) };
  throw new LocalServerError(
    `There is no Dovecot on this machine; install one, for example with: apt-get install ${packages.join(' ')}`,
  );
}
