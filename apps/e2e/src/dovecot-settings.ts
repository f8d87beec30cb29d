import type { DovecotVersion } from '@pns/local-servers';
import { blocksOf } from './doc-page';

/** The path of Dovecot's requests. */
export const dovecotPath = '/preliminary/http-notify/v1/notify';

interface Producer {
  readonly apiUrl: string;
  readonly key: string;
  /** The path of pns.lua. */
  readonly script: string;
}

/** The texts by which the blocks of docs/dovecot.md for each version of Dovecot are found. */
const marks = {
  '2.3': { script: 'push_notification_driver = lua:', driver: 'push_notification_driver = ox:' },
  '2.4': { script: 'push_notification lua {', driver: 'push_notification ox {' },
};

/** The configuration of docs/dovecot.md for this version, with our addresses instead of the addresses on the page. */
export function dovecotSettings(version: DovecotVersion, producer: Producer): string {
  return blockWith(marks[version].script, producer);
}

/** The configuration with both the driver and the script. */
export function bothSenders(version: DovecotVersion, producer: Producer): string {
  const driver = blockWith(marks[version].driver, producer).replace('push_notification_driver', '$&2');
  return `${dovecotSettings(version, producer)}\n${driver}`;
}

/** The arguments of the command of docs/dovecot.md that names the user of PNS, for the login `user`. */
export function metadataCommand(user: string): string[] {
  const block = blocksOf('docs/dovecot.md').find(({ text }) => text.startsWith('doveadm '));
  if (block === undefined) throw new Error('docs/dovecot.md has no command for the metadata');
  const [, ...args] = block.text.trim().split(' ');
  return args.map((each) => (each === 'jane@example.com' ? user : each.replace(/^""$/, '')));
}

function blockWith(mark: string, { apiUrl, key, script }: Producer): string {
  const block = blocksOf('docs/dovecot.md').find(({ text }) => text.includes(mark));
  if (block === undefined) throw new Error(`docs/dovecot.md has no block with "${mark}"`);
  return block.text
    .replaceAll(/http:\/\/pns:<key>@pns\.example\.com:3000\/\S+/g, dovecotUrl(apiUrl, key))
    .replace('/etc/dovecot/pns.lua', script);
}

/** The address for Dovecot's requests. */
function dovecotUrl(apiUrl: string, key: string): string {
  return `http://pns:${key}@127.0.0.1:${new URL(apiUrl).port}${dovecotPath}`;
}
