/**
 * Whether `uri` is a channel that a push, and with it our access token, may be sent to: https, without credentials and
 * fragment, on `notify.windows.com` or below it, or on one of `allowedHosts` (`host` for any port, or `host:port`).
 *
 * Source: https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/wns-overview, "Important
 * notes": a service must look at the domain and not at the subdomain, or an attacker's channel learns what is sent. No other
 * domain is documented, so none of the national clouds is known here.
 */
export function isChannelUri(uri: string, allowedHosts: readonly string[] = []): boolean {
  if (!/^https:\/\/[\x21-\x7e]+$/i.test(uri) || !URL.canParse(uri)) return false;
  const { host, hostname, port, username, password, hash } = new URL(uri);
  if (port === '0' || username !== '' || password !== '' || hash !== '') return false;
  const isMicrosofts = port === '' && microsoftsHosts.test(hostname);
  return isMicrosofts || allowedHosts.includes(host) || allowedHosts.includes(hostname);
}

const microsoftsHosts = /^(?:[a-z0-9-]+\.)*notify\.windows\.com$/;
