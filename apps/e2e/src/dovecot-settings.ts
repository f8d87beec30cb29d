import { blocksOf } from './doc-page';

/** The path of Dovecot's requests. */
export const dovecotPath = '/preliminary/http-notify/v1/notify';

/** The configuration of docs/dovecot.md for Dovecot 2.3, with the script at `script` and an API at `apiUrl`. */
export function dovecotSettings({ apiUrl, key, script }: { apiUrl: string; key: string; script: string }): string {
  const block = blocksOf('docs/dovecot.md').find(({ text }) => text.includes('push_notification_driver = lua'));
  return (block?.text ?? '')
    .replaceAll(/http:\/\/pns:<key>@pns\.example\.com:3000\/\S+/g, dovecotUrl(apiUrl, key))
    .replace('/etc/dovecot/pns.lua', script);
}

/** The address for Dovecot's requests. */
export function dovecotUrl(apiUrl: string, key: string): string {
  return `http://pns:${key}@127.0.0.1:${new URL(apiUrl).port}${dovecotPath}`;
}
