import fc from 'fast-check';

/** Returns another spelling of the same http(s) URI. RFC 3986, 6.2 or the WHATWG URL Standard calls both spellings equivalent. */
type Respelling = (uri: string) => string;

const letterCase = (text: string): string =>
  [...text].map((each, at) => (at % 2 === 0 ? each.toUpperCase() : each)).join('');

/** The parts of a URI: scheme and slashes, host and port, path, query. */
function parts(uri: string): [scheme: string, authority: string, path: string, query: string] {
  const [, scheme = '', authority = '', path = '', query = ''] = /^([a-z]+:\/\/)([^/?]*)([^?]*)(.*)$/i.exec(uri) ?? [];
  return [scheme, authority, path, query];
}

const host =
  (respell: (authority: string) => string): Respelling =>
  (uri) => {
    const [scheme, authority, path, query] = parts(uri);
    return scheme + respell(authority) + path + query;
  };

const rest =
  (respell: (text: string) => string): Respelling =>
  (uri) => {
    const [scheme, authority, path, query] = parts(uri);
    return scheme + authority + respell(path) + respell(query);
  };

/** Each respelling by its name. */
export const respellings: Readonly<Record<string, Respelling>> = {
  'scheme in capitals': (uri) => uri.replace(/^[a-z]+/i, (scheme) => scheme.toUpperCase()),
  'host in mixed case': host((authority) => (/^\[?[0-9.:]/.test(authority) ? authority : letterCase(authority))),
  'default port': (uri) => {
    const [scheme, authority, path, query] = parts(uri);
    const port = /^https:/i.test(scheme) ? 443 : 80;
    return /:\d*$/.test(authority) ? uri : `${scheme}${authority}:${port}${path}${query}`;
  },
  'an empty port': (uri) => host((authority) => (/:\d*$/.test(authority) ? authority : `${authority}:`))(uri),
  'a dot behind the host': host((authority) => authority.replace(/^([^[\]:]*[^.:])(:\d*)?$/, '$1.$2')),
  'an empty query': (uri) => (uri.includes('?') ? uri : `${uri}?`),
  'no slash behind the host': (uri) => uri.replace(/^([a-z]+:\/\/[^/?]+)\/(?=$|\?)/i, '$1'),
  'unreserved characters as escapes': rest((text) =>
    text.replace(
      /(%[0-9a-f]{2})|([a-z~_-])/gi,
      (whole, escape: string | undefined, plain: string | undefined, at: number) =>
        escape !== undefined || at % 3 !== 0 || plain === undefined ? whole : `%${plain.charCodeAt(0).toString(16)}`,
    ),
  ),
  'escapes in lower case': rest((text) => text.replace(/%[0-9a-f]{2}/gi, (escape) => escape.toLowerCase())),
  'escapes in capitals': rest((text) => text.replace(/%[0-9a-f]{2}/gi, (escape) => escape.toUpperCase())),
  'a way there and back': (uri) => {
    const [scheme, authority, path, query] = parts(uri);
    return `${scheme}${authority}/x/..${path === '' ? '/' : path}${query}`;
  },
  'a segment that stays': (uri) => {
    const [scheme, authority, path, query] = parts(uri);
    return `${scheme}${authority}/.${path === '' ? '/' : path}${query}`;
  },
};

const label = fc.stringMatching(/^[a-z]([a-z0-9]{0,5})$/);
const hosts = fc.oneof(
  fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => `${labels.join('.')}.example`),
  fc.constantFrom('xn--bcher-kva.example', '192.0.2.7', '[2001:db8::1]'),
);
const piece = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9~_-]{1,6}$/),
  fc.constantFrom('%2F', '%25', '%3B', '%C3%A9', ';', '=', '+', '@', ':', '!', ',', 'a.b', 'A'),
);
const segment = fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join(''));

/** URIs in their usual form. */
export const plainUris = fc
  .record({
    scheme: fc.constantFrom('https', 'http'),
    host: hosts,
    port: fc.constantFrom('', ':8443'),
    path: fc.array(segment, { maxLength: 4 }),
    query: fc.option(fc.array(segment, { minLength: 1, maxLength: 3 }), { nil: undefined }),
  })
  .map(({ scheme, host: name, port, path, query }) => {
    return `${scheme}://${name}${port}/${path.join('/')}${query === undefined ? '' : `?${query.join('&')}`}`;
  });

/** Functions that apply some of `respellings` in any order. */
export const someRespellings = fc.shuffledSubarray(Object.keys(respellings), { minLength: 1 }).map(
  (names): Respelling =>
    (uri) =>
      names.reduce((spelled, name) => respellings[name]?.(spelled) ?? spelled, uri),
);
