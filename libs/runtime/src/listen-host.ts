import { createServer } from 'node:net';
import { readEnvironment } from './env';
import { log } from './log';

/** The host that means all addresses of IPv6 and IPv4, and the host that means all addresses of IPv4. */
const [every, everyIpv4] = ['::', '0.0.0.0'];

/** Error codes of a system without IPv6. */
const noIpv6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'];

let isLogged = false;

/**
 * The address that every app listens on: `PNS_LISTEN_HOST`, by default `::`, which means all addresses of IPv6 and IPv4. On a
 * system without IPv6, `::` is replaced by all addresses of IPv4, and this is logged once.
 */
export async function listenHost(
  host = readEnvironment(['PNS_LISTEN_HOST']).PNS_LISTEN_HOST,
  faultOf = listenFault,
): Promise<string> {
  if (host !== every || !noIpv6.includes((await faultOf(every)) ?? '')) return host;
  if (!isLogged) log.warn({ event: 'app.without-ipv6', host: everyIpv4 });
  isLogged = true;
  return everyIpv4;
}

/** The error code of an attempt to listen on `host`; undefined for success. */
function listenFault(host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    probe.listen(0, host, () => probe.close(() => resolve(undefined)));
  });
}

/** The host for a URL with which this machine reaches a server that listens on `host`. */
export function urlHostOf(host: string): string {
  if (host === every || host === everyIpv4) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
