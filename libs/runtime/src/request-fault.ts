import type { IncomingMessage } from 'node:http';

/** RFC 3986, 3.2: a host with an optional port. It holds no blank, slash, backslash, `@`, `?` or `#`. */
const hostSyntax = /^[\w.~!$&'()*+,;=%:[\]-]*$/;

/**
 * Says in one sentence why a request must be refused before it is routed; undefined for a good one.
 *
 * A proxy in front may read these requests in another way than we do, so its rules would not protect us: an absolute
 * request target, one that begins with two slashes, and more than one `Host` (RFC 9112, 3.2).
 */
export function requestFault({ method, url = '', rawHeaders }: IncomingMessage): string | undefined {
  if (!isOriginForm(url) && !(url === '*' && method === 'OPTIONS')) {
    return 'The request target must be a path that begins with a single slash.';
  }
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (++hosts > 1) return 'The request has more than one Host header.';
    if (!hostSyntax.test(rawHeaders[at + 1] as string)) return 'The Host header is not a host with an optional port.';
  }
  return undefined;
}

/** WHATWG URLs take a backslash for a slash, so it must not be the second character either. */
function isOriginForm(url: string): boolean {
  return url.startsWith('/') && url[1] !== '/' && url[1] !== '\\';
}
