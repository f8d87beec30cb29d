/**
 * Whether a push, and with it our access token, may be sent to `uri`. It must be https, without credentials and fragment. Its
 * host must be `notify.windows.com`, below it, or one of `allowedHosts` (`host` for any port, or `host:port`).
 *
 * Source: https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/wns-overview, "Important notes": a
 * service must check the domain and not the subdomain, because an attacker's channel would receive the pushes. No other domain is
 * documented, so the hosts of national clouds are not included.
 */
export function isChannelUri(uri: string, allowedHosts: readonly string[] = []): boolean {
  if (!/^https:\/\/[\x21-\x7e]+$/i.test(uri) || !URL.canParse(uri)) return false;
  const { host, hostname, port, username, password, hash } = new URL(uri);
  if (port === '0' || username !== '' || password !== '' || hash !== '') return false;
  const isMicrosofts = port === '' && microsoftsHosts.test(hostname);
  return isMicrosofts || allowedHosts.includes(host) || allowedHosts.includes(hostname);
}

const microsoftsHosts = /^(?:[a-z0-9-]+\.)*notify\.windows\.com$/;
