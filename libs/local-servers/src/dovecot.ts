import { execFile } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { dovecotConfiguration } from './dovecot-configuration';
import { dovecotUsr, type DovecotVersion } from './dovecot-program';
import { freePort, startServerProcess, type Progress, type ServerProcess } from './server-process';

interface DovecotOptions {
  /** The folder of its configuration, log and mails; created when missing. Its parents must be readable for all users. */
  readonly folder: string;
  readonly version: DovecotVersion;
  /** The settings to test, as in a file of conf.d. */
  readonly settings: string;
  /** Sieve scripts by user. */
  readonly sieve?: Readonly<Record<string, string>>;
  readonly onProgress?: Progress;
}

/** A Dovecot with IMAP and LMTP on 127.0.0.1. Every user exists, with the password `secret`. */
export interface LocalDovecot extends ServerProcess {
  /** The port of IMAP. */
  readonly port: number;
  readonly lmtpPort: number;
  /** Runs `doveadm` with this configuration, and resolves with its output. Rejects if it fails. */
  doveadm(...args: string[]): Promise<string>;
}

/** The account that owns the mails; Dovecot refuses to read mails as root. */
const mailUid = 65_534;

/**
 * Starts a Dovecot with Debian's programs, and resolves when it serves IMAP.
 *
 * @throws LocalServerError when it cannot be started, with the end of its log.
 */
export async function startDovecot({
  onProgress = () => undefined,
  ...options
}: DovecotOptions): Promise<LocalDovecot> {
  const folder = resolve(options.folder);
  const mails = join(folder, 'mails');
  mkdirSync(mails, { recursive: true });
  chmodSync(folder, 0o755);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(mails, mailUid, mailUid);
  for (const [user, script] of Object.entries(options.sieve ?? {})) {
    writeFileSync(join(folder, `${user}.sieve`), script, { mode: 0o644 });
  }
  const usr = dovecotUsr(options.version, onProgress);
  const configuration = join(folder, 'dovecot.conf');
  const lmtpPort = await freePort();
  // Dovecot runs in its own mount namespace, in which its packages have the paths of an installation.
  const namespaces = isRoot ? ['--mount'] : ['--mount', '--user', '--map-root-user'];
  const inNamespace = (command: string, ...args: readonly string[]) => [
    ...[...namespaces, '/bin/sh', '-c', `mount --bind '${usr}' /usr && exec ${command} "$@"`, 'sh'],
    ...args,
  ];
  const server = await startServerProcess({
    folder,
    onProgress,
    command: (port) => {
      const places = { folder, mails, mailUid, port, lmtpPort };
      writeFileSync(configuration, dovecotConfiguration(options.version, places, options.settings));
      return { name: 'dovecot', file: 'unshare', args: inNamespace('/usr/sbin/dovecot', '-F', '-c', configuration) };
    },
    isReady: (port) => greets(port),
  });
  const doveadm = async (...args: string[]): Promise<string> => {
    const command = inNamespace('/usr/bin/doveadm', '-c', configuration, ...args);
    return (await promisify(execFile)('unshare', command, { encoding: 'utf8' })).stdout;
  };
  return { ...server, lmtpPort, doveadm };
}

function greets(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket
      .once('data', () => done(true))
      .once('error', () => done(false))
      .once('close', () => done(false));
    socket.once('data', () => socket.destroy());
  });
}
