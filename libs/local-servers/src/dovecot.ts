import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { dovecot } from './dovecot-program';
import { freePort, startServerProcess, type Progress, type ServerProcess } from './server-process';

export interface DovecotOptions {
  /** The folder of its configuration, log and mails; created when missing. Its parents must be readable for all users. */
  readonly folder: string;
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
  const { overlay } = dovecot(onProgress);
  const configuration = join(folder, 'dovecot.conf');
  const lmtpPort = await freePort();
  const dovecotCommand = `exec /usr/sbin/dovecot -F -c '${configuration}'`;
  const server = await startServerProcess({
    folder,
    onProgress,
    command: (port) => {
      writeFileSync(configuration, configurationFor({ folder, mails, port, lmtpPort, settings: options.settings }));
      if (overlay === undefined) return { name: 'dovecot', file: '/bin/sh', args: ['-c', dovecotCommand] };
      // Dovecot's paths are compiled in. In a mount namespace of its own, its packages lie where they would be installed.
      const mount = `mount -t overlay overlay -o 'lowerdir=${join(overlay, 'usr')}:/usr' /usr`;
      const namespaces = isRoot ? ['--mount'] : ['--mount', '--user', '--map-root-user'];
      return {
        name: 'dovecot',
        file: 'unshare',
        args: [...namespaces, '/bin/sh', '-c', `${mount} && ${dovecotCommand}`],
      };
    },
    isReady: (port) => greets(port),
  });
  return { ...server, lmtpPort };
}

interface Places {
  readonly folder: string;
  readonly mails: string;
  readonly port: number;
  readonly lmtpPort: number;
  readonly settings: string;
}

function configurationFor({ folder, mails, port, lmtpPort, settings }: Places): string {
  return `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = /dev/stderr
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = daemon
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
first_valid_uid = 1
namespace inbox {
  inbox = yes
  separator = /
}
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=${mailUid} gid=${mailUid} home=${mails}/%u
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    port = ${lmtpPort}
  }
}
${settings}
protocol lmtp {
  mail_plugins = $mail_plugins sieve
}
plugin {
  sieve = file:${folder}/%u.sieve
}
`;
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
