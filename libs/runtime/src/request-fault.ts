import type { IncomingMessage } from 'node:http';

/** RFC 3986, 3.2: a host with an optional port, without blank, slash, backslash, `@`, `?` and `#`. */
const hostSyntax = /^[\w.~!$&'()*+,;=%:[\]-]*$/;

/**
 * The reason why a request must be refused before it is routed, as a sentence; undefined for a valid request.
 *
 * An absolute request target, a target that starts with two slashes and several `Host` headers are refused (RFC 9112, 3.2). A
 * target with a fragment is refused too, because the router ignores fragments. A proxy can interpret such requests differently,
 * so its access rules could be bypassed.
 */
export function requestFault({ method, url = '', rawHeaders }: IncomingMessage): string | undefined {
  if (!isOriginForm(url) && !(url === '*' && method === 'OPTIONS')) {
    return 'The request target must be a path that begins with a single slash.';
  }
  if (url.includes('#')) return 'The request target must not contain a fragment.';
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (++hosts > 1) return 'The request has more than one Host header.';
    if (!hostSyntax.test(rawHeaders[at + 1] as string)) return 'The Host header is not a host with an optional port.';
  }
  return undefined;
}

/** Whether `url` is a path. In WHATWG URLs a backslash is the same as a slash, so neither may be the second character. */
function isOriginForm(url: string): boolean {
  return url.startsWith('/') && url[1] !== '/' && url[1] !== '\\';
}
