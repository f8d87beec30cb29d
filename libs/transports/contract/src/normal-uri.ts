import { parsedUrl } from './parsed-url';

const unreserved = /[A-Za-z0-9\-._~]/;

/** Characters that RFC 3986 forbids in paths and queries, and that the WHATWG URL Standard leaves as is. */
const neverRaw = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]/g;

const brokenEscape = /%(?![0-9a-f]{2})/i;

/**
 * A normal form of http(s) URIs, so that different spellings of one URI become equal. It is the form of the WHATWG URL Standard:
 * host in lower case and Punycode, IPv4 addresses in four parts, no default port, no dot segments. In addition, escapes are
 * normalized (RFC 3986, 6.2.2), an IPv4-mapped IPv6 address becomes IPv4, and a final dot of the host, an empty query and the
 * fragment are removed.
 *
 * Text that is not an http(s) URI is returned unchanged. A path or query with a `%` that begins no escape keeps its escapes.
 */
export function normalUri(text: string): string {
  const uri = parsedUrl(text);
  if (uri === undefined || !/^https?:$/.test(uri.protocol)) return text;
  uri.hostname = normalHost(uri.hostname);
  uri.pathname = normalEscapes(uri.pathname);
  uri.search = normalEscapes(uri.search); // an empty query loses its question mark
  uri.hash = '';
  return uri.href;
}

/** Whether a URI has a `%` that begins no escape. Servers read such URIs differently. */
export function hasBrokenEscape(text: string): boolean {
  return brokenEscape.test(text);
}

/** The normal form of a host. A host with an empty label is invalid, and keeps its dots. */
function normalHost(host: string): string {
  const [, high, low] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(host) ?? [];
  if (high === undefined || low === undefined) return host.replace(/(?<=[^.])\.$/, '');
  const bytes = [high, low].map((part) => parseInt(part, 16)).flatMap((part) => [part >> 8, part & 0xff]);
  return bytes.join('.');
}

function normalEscapes(part: string): string {
  if (hasBrokenEscape(part)) return part;
  const decoded = part.replace(/%[0-9a-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(parseInt(escape.slice(1), 16));
    return unreserved.test(character) ? character : escape.toUpperCase();
  });
  return decoded.replace(neverRaw, encodeURIComponent);
}
