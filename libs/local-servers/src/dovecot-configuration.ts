import type { DovecotVersion } from './dovecot-program';

/** Where a Dovecot of a test keeps its files and listens. */
interface DovecotPlaces {
  readonly folder: string;
  readonly mails: string;
  /** The account that owns the mails. */
  readonly mailUid: number;
  readonly port: number;
  readonly lmtpPort: number;
}

/** A complete dovecot.conf: every user exists, with the password `secret`. `settings` is the part to test. */
export function dovecotConfiguration(version: DovecotVersion, places: DovecotPlaces, settings: string): string {
  const forms = { '2.3': configuration23, '2.4': configuration24 };
  return forms[version](places, settings);
}

const servers = ({ folder, port, lmtpPort }: DovecotPlaces): string => `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = /dev/stderr
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = daemon
listen = 127.0.0.1
ssl = no
first_valid_uid = 1
namespace inbox {
  inbox = yes
  separator = /
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
`;

const configuration23 = (places: DovecotPlaces, settings: string): string => `${servers(places)}
protocols = imap lmtp
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=${places.mailUid} gid=${places.mailUid} home=${places.mails}/%u
}
${settings}
protocol lmtp {
  mail_plugins = $mail_plugins sieve
}
plugin {
  sieve = file:${places.folder}/%u.sieve
}
`;

const configuration24 = (places: DovecotPlaces, settings: string): string => `dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
${servers(places)}
protocols {
  imap = yes
  lmtp = yes
}
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = ~/Maildir
passdb static {
  password = secret
}
userdb static {
  fields {
    uid = ${places.mailUid}
    gid = ${places.mailUid}
    home = ${places.mails}/%{user}
  }
}
${settings}
protocol lmtp {
  mail_plugins {
    sieve = yes
  }
}
sieve_script personal {
  path = ${places.folder}/%{user}.sieve
}
`;
