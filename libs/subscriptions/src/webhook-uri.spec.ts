import fc from 'fast-check';
import { isUriWithin, webhookUriFault } from './webhook-uri';

const configured = 'https://push.example.com/hook';

describe('the prefix rule of webhook URIs', () => {
  it.each([
    'https://push.example.com/hook',
    'https://push.example.com:443/hook',
    'https://PUSH.example.com/hook',
    'https://push.example.com/hook/',
    'https://push.example.com/hook/14/a.b',
    'https://push.example.com/hook?user=14',
    'https://push.example.com/hook/x?back=https://evil.example/../%2e%2e',
  ])('takes %s', (uri) => expect(webhookUriFault('prefix', configured, uri)).toBeUndefined());

  it.each([
    ['another path that begins alike', 'https://push.example.com/hook-evil'],
    ['a path above', 'https://push.example.com/'],
    ['another scheme', 'http://push.example.com/hook'],
    ['another host', 'https://push.example.org/hook'],
    ['a host that begins alike', 'https://push.example.com.evil.org/hook'],
    ['a host with a trailing dot', 'https://push.example.com./hook'],
    ['another port', 'https://push.example.com:8443/hook'],
    ['credentials', 'https://user:pass@push.example.com/hook'],
    ['a host disguised as credentials', 'https://push.example.com@evil.org/hook'],
    ['empty credentials', 'https://@push.example.com/hook'],
    ['a dot segment', 'https://push.example.com/hook/../evil'],
    ['a dot segment that leads back', 'https://push.example.com/x/../hook'],
    ['a single dot', 'https://push.example.com/hook/./x'],
    ['an encoded dot segment', 'https://push.example.com/hook/%2e%2E/evil'],
    ['a half encoded dot segment', 'https://push.example.com/hook/.%2e/evil'],
    ['a doubly encoded dot segment', 'https://push.example.com/hook/%252e%252e/evil'],
    ['an encoded slash', 'https://push.example.com/hook/..%2fevil'],
    ['an encoded backslash', 'https://push.example.com/hook/..%5cevil'],
    ['a backslash', 'https://push.example.com\\@evil.org/hook'],
    ['a fragment', 'https://push.example.com/hook#x'],
    ['a newline', 'https://push.example.com/ho\nok'],
    ['a missing slash', 'https:push.example.com/hook'],
    ['a third slash', 'https:///push.example.com/hook'],
    ['another kind of URI', 'ftp://push.example.com/hook'],
    ['no URI', 'hook'],
    ['nothing', ''],
  ])('refuses %s', (_, uri) => expect(webhookUriFault('prefix', configured, uri)).toEqual(expect.any(String)));

  it.each([1, 2, 1_000_000])('refuses a dot segment that is encoded %d times, and looks once', (times) => {
    const dot = `%${'25'.repeat(times - 1)}2e`; // decoded one time after the other, a million takes hours
    expect(webhookUriFault('prefix', configured, `${configured}/${dot}${dot}/evil`)).toEqual(expect.any(String));
    expect(webhookUriFault('prefix', configured, `${configured}/${dot}x/evil`)).toBeUndefined();
  });

  it('goes below a configured folder and a configured root', () => {
    expect(isUriWithin('https://push.example.com/hook/', 'https://push.example.com/hook/14')).toBe(true);
    expect(isUriWithin('https://push.example.com/hook/', 'https://push.example.com/hook')).toBe(false);
    expect(isUriWithin('https://push.example.com', 'https://push.example.com/anything')).toBe(true);
  });

  it('never leaves the configured path, whatever is appended', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('.', '/', '\\', '%2e', '%2f', '@', ':', '?', '#', 'x') }),
        (tail) => {
          const uri = configured + tail;
          if (webhookUriFault('prefix', configured, uri) !== undefined) return;
          const { origin, pathname } = new URL(uri);
          expect(origin).toBe('https://push.example.com');
          expect(pathname === '/hook' || pathname.startsWith('/hook/')).toBe(true);
        },
      ),
    );
  });
});

describe('the other modes', () => {
  it.each([
    ['exact', configured, true],
    ['exact', 'https://push.example.com:443/hook', true],
    ['exact', `${configured}/`, false],
    ['exact', `${configured}?x`, false],
    ['none', 'http://anywhere.example/at/all', true],
    ['none', 'http://u:p@anywhere.example/', false],
    ['none', 'javascript:alert(1)', false],
  ] as const)('%s takes %s: %s', (mode, uri, expected) => {
    expect(webhookUriFault(mode, configured, uri) === undefined).toBe(expected);
  });
});
