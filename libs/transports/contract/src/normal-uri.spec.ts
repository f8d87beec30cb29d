import fc from 'fast-check';
import { hasBrokenEscape, normalUri } from './normal-uri';
import { parsedUrl } from './parsed-url';
import { plainUris, respellings, someRespellings } from './testing/uri-spellings';

it.each([
  ['the scheme and the host', 'HTTPS://Push.Example.COM/Hook', 'https://push.example.com/Hook'],
  ['the default port', 'https://push.example.com:443/hook', 'https://push.example.com/hook'],
  ['the other default port', 'http://push.example.com:80/hook', 'http://push.example.com/hook'],
  ['a port with zeros', 'https://push.example.com:0443/', 'https://push.example.com/'],
  ['a port that is none', 'https://push.example.com:/', 'https://push.example.com/'],
  ['no path', 'https://push.example.com', 'https://push.example.com/'],
  ['a question mark and nothing', 'https://push.example.com/hook?', 'https://push.example.com/hook'],
  ['a fragment', 'https://push.example.com/hook#top', 'https://push.example.com/hook'],
  ['unreserved characters', 'https://h.example/%68%6f%6F%6b%7E%2e', 'https://h.example/hook~.'],
  ['escapes in lower case', 'https://h.example/%c3%a9%2f?%3d', 'https://h.example/%C3%A9%2F?%3D'],
  ['characters that need an escape', 'https://h.example/é|^[]{}`"<>?é|^[]{}`"<>', undefined],
  ['a quote in a query', "https://h.example/a'b?c'd", "https://h.example/a'b?c%27d"],
  ['dot segments', 'https://h.example/a/./b/../c/%2e%2E/d', 'https://h.example/a/d'],
  ['an address in one part', 'http://2130706433/', 'http://127.0.0.1/'],
  ['an address in two parts', 'http://127.1/', 'http://127.0.0.1/'],
  ['an address in octal and hexadecimal', 'http://0177.0.0x0.1/', 'http://127.0.0.1/'],
  ['a dot behind an address', 'http://127.1./', 'http://127.0.0.1/'],
  ['an address as IPv6', 'http://[::FFFF:127.0.0.1]/', 'http://127.0.0.1/'],
  ['IPv6', 'http://[2001:DB8:0:0::0001]/', 'http://[2001:db8::1]/'],
  ['a dot behind a host', 'https://push.example.com./hook', 'https://push.example.com/hook'],
  ['a dot behind a host with a port', 'https://push.example.com.:8443/hook', 'https://push.example.com:8443/hook'],
  ['a name of other letters', 'https://BÜCHER.example/', 'https://xn--bcher-kva.example/'],
  ['full-width letters and dots', 'https://ｐｕｓｈ。example.com/', 'https://push.example.com/'],
  ['escapes in the host', 'https://p%75sh.example.com/', 'https://push.example.com/'],
])('%s', (_, spelled, normal) => {
  expect(normalUri(spelled)).toBe(
    normal ?? `https://h.example/${encodeURIComponent('é|^[]{}`"<>')}?${encodeURIComponent('é|^[]{}`"<>')}`,
  );
});

it.each([
  ['another case of a path', 'https://h.example/hook', 'https://h.example/Hook'],
  ['a slash at the end', 'https://h.example/hook', 'https://h.example/hook/'],
  ['two slashes', 'https://h.example/a/b', 'https://h.example/a//b'],
  ['an escaped slash', 'https://h.example/a/b', 'https://h.example/a%2Fb'],
  ['an escaped reserved character', 'https://h.example/a;b', 'https://h.example/a%3Bb'],
  ['an escaped percent sign', 'https://h.example/%41', 'https://h.example/%2541'],
  ['another order of a query', 'https://h.example/?a&b', 'https://h.example/?b&a'],
  ['a plus sign', 'https://h.example/?a+b', 'https://h.example/?a%20b'],
  ['another scheme', 'https://h.example/', 'http://h.example/'],
  ['another port', 'https://h.example/', 'https://h.example:80/'],
])('distinguishes URIs that differ by %s', (_, one, other) => {
  expect(normalUri(one)).not.toBe(normalUri(other));
});

it.each([
  '',
  'abc',
  'mailto:jane@example.com',
  'javascript:alert(1)',
  'http://',
  'https://[::1',
  'ftp://h.example/%41',
])('leaves %j as it is', (text) => expect(normalUri(text)).toBe(text));

it.each(['%', '%2', '%zz', '%2%41', 'a%'])('leaves the escapes of a path with %s alone', (path) => {
  expect(hasBrokenEscape(path)).toBe(true);
  expect(normalUri(`https://h.example/${path}`)).toBe(`https://h.example/${path}`);
});

it.each(Object.entries(respellings))('any URI with %s has the same normal form', (_, respell) => {
  fc.assert(fc.property(plainUris, (uri) => expect(normalUri(respell(uri))).toBe(normalUri(uri))));
});

it('any URI has one normal form, also if it is respelled in several ways at once', () => {
  fc.assert(
    fc.property(plainUris, someRespellings, (uri, respell) => expect(normalUri(respell(uri))).toBe(normalUri(uri))),
    { numRuns: 1000 },
  );
});

it('the normal form of any text is its own normal form, and has the same host', () => {
  const character = fc.constantFrom(...'aZ0.-_~%2eEfF/\\?#&=;:@[]|^{}"<> é。\t', '%41', '%2E', '..', ':80', '127.1');
  const anything = fc.array(character, { maxLength: 12 }).map((each) => `http://${each.join('')}`);
  fc.assert(
    fc.property(fc.oneof(anything, plainUris), (text) => {
      const normal = normalUri(text);
      expect(normalUri(normal)).toBe(normal);
      expect(parsedUrl(normal)?.host === undefined).toBe(parsedUrl(text)?.host === undefined);
    }),
    { numRuns: 3000 },
  );
});
