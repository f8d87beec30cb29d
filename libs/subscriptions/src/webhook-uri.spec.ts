import fc from 'fast-check';
import { configured, goodTails, goodUris, hostileUris } from './testing/webhook-uris';
import { isUriWithin, webhookUriFault } from './webhook-uri';

const good = [...goodTails.map((tail) => configured + tail), ...goodUris];

describe('the prefix rule of webhook URIs', () => {
  it.each(good)('accepts %j', (uri) => {
    expect(webhookUriFault('prefix', configured, uri)).toBeUndefined();
    expect(isUriWithin(configured, uri)).toBe(true);
  });

  it.each(hostileUris)('refuses %j', (uri) => {
    expect(webhookUriFault('prefix', configured, uri)).toEqual(expect.stringMatching(/\.$/));
    expect(isUriWithin(configured, uri)).toBe(false);
  });

  it('is tested with enough valid and hostile URIs', () => {
    expect(good.length).toBeGreaterThanOrEqual(40);
    expect(new Set(hostileUris).size).toBeGreaterThanOrEqual(150);
  });

  it.each([1, 2, 1_000_000])('refuses a dot segment that is encoded %d times, in one pass', (times) => {
    const dot = `%${'25'.repeat(times - 1)}2e`; // a million decodings, one after the other, would take hours
    expect(webhookUriFault('prefix', configured, `${configured}/${dot}${dot}/evil`)).toEqual(expect.any(String));
  });

  it('accepts paths below a configured folder and a configured root', () => {
    expect(isUriWithin('https://push.example.com/hook/', 'https://push.example.com/hook/14')).toBe(true);
    expect(isUriWithin('https://push.example.com/hook/', 'https://push.example.com/hook')).toBe(false);
    expect(isUriWithin('https://push.example.com', 'https://push.example.com/anything')).toBe(true);
    expect(isUriWithin('https://push.example.com', 'https://push.example.com/..;/x')).toBe(false);
  });

  it('allows the operator to configure a URI that users may not append', () => {
    const odd = 'https://push.example.com/a;v=1/%C2%AD';
    expect(isUriWithin(odd, odd)).toBe(true);
    expect(isUriWithin(odd, `${odd}/14`)).toBe(true);
    expect(isUriWithin(odd, `${odd}/14;v=2`)).toBe(false);
  });

  it('requires the configured query, which can select the application', () => {
    const query = 'https://push.example.com/index.php?app=push';
    expect(isUriWithin(query, query)).toBe(true);
    expect(isUriWithin(query, 'https://push.example.com/index.php/14?app=push')).toBe(true);
    for (const other of ['', '?app=admin', '?app=push&app=admin', '?APP=push', '?app=%70ush']) {
      expect(webhookUriFault('prefix', query, `https://push.example.com/index.php${other}`)).toMatch('query');
    }
  });
});

describe('the other modes', () => {
  it.each([
    ['exact', configured, true],
    ['exact', 'https://push.example.com:443/hook', true],
    ['exact', `${configured}/`, false],
    ['exact', `${configured}?x`, false],
    ['none', 'http://anywhere.example/at/all', true],
    ['none', 'http://anywhere.example/at;v=1/all', true],
    ['none', 'https://bücher.example/', true],
    ['none', 'http://crm_1:8080/', true],
    ['none', 'http://[2001:db8::1]:8080/', true],
    ['none', 'http://u:p@anywhere.example/', false],
    ['none', 'http://anywhere%2eexample/', false],
    ['none', 'javascript:alert(1)', false],
  ] as const)('%s takes %s: %s', (mode, uri, expected) => {
    expect(webhookUriFault(mode, configured, uri) === undefined).toBe(expected);
  });
});

/** Transformations of a path by servers, proxies and frameworks before routing; each occurs in some product. */
const readings: Readonly<Record<string, (path: string) => string>> = {
  'decode UTF-8': (path) => decodeLeniently(path, 'utf8'),
  'decode Latin-1': (path) => decodeLeniently(path, 'latin1'),
  'decode %u': (path) => path.replace(/%u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
  'remove parameters': (path) => path.replace(/;[^/]*/g, ''),
  'remove a parameter that runs on to the end': (path) => path.replace(/;.*$/s, ''),
  'read a backslash as a slash': (path) => path.replaceAll('\\', '/'),
  'normalise to NFKC': (path) => path.normalize('NFKC'),
  'normalise to NFKD': (path) => path.normalize('NFKD'),
  'fold case': (path) => path.toUpperCase().toLowerCase(),
  'remove dot segments': (path) => new URL(path.replaceAll('?', '%3f').replaceAll('#', '%23'), 'http://x').pathname,
  'remove control characters': (path) => path.replace(/\p{Cc}/gu, ''),
  'remove what shows nothing': (path) => path.replace(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, ''),
  'remove marks': (path) => path.replace(/\p{M}/gu, ''),
  'remove what is not ASCII': (path) => path.replace(/[^\0-\x7f]/g, ''),
  'end at a null': (path) => path.replace(/\0.*$/s, ''),
  'end at white space': (path) => path.replace(/\s.*$/s, ''),
  'end at a question mark or hash': (path) => path.replace(/[?#].*$/s, ''),
  'read plus as space': (path) => path.replaceAll('+', ' '),
  'trim segments': (path) => path.replace(/\s+(?=\/|$)|(?<=\/)\s+/g, ''),
  'remove dots and spaces at the end of names': (path) => path.replace(/(?<=[^/.\s][^/]*?)[. ]+(?=\/|$)/g, ''),
  'remove the session of ASP.NET': (path) => path.replace(/\(([A-Z]\([^()]*\))+\)/gi, ''),
  'merge slashes': (path) => path.replace(/\/{2,}/g, '/'),
};

function decodeLeniently(path: string, encoding: 'utf8' | 'latin1'): string {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString(encoding));
}

/** Whether a router finds `path` below `prefix`: it resolves dot segments and ignores case. */
function isBelow(path: string, prefix: string): boolean {
  let depth = 0;
  for (const [at, segment] of path.split('/').slice(1).entries()) {
    const name = segment.trim();
    if (name === '..' || /^\.{3,}$/.test(name)) depth--;
    else if (name !== '.' && name !== '') depth++;
    if (depth < 1) return false;
    if (at === 0 && `/${name}`.toLowerCase() !== prefix) return false;
  }
  return depth >= 1;
}

const atoms = fc.constantFrom(
  ...['.', '..', '%2e', '%252e', '/', '//', '%2f', '\\', '%5c', ';', '%3b', ';x=1', '%00', '%0a', '%20', '+', '%25'],
  ...['%c0%ae', '%u002e', '．', '%EF%BC%8E', '／', '%E2%80%8B', '%C2%AD', '%CC%81', '%E2%92%88', '(S(x))', ',', ':'],
  ...['a', 'b', '-', '_', '~', '@', '!', '$', '*', "'", '(', ')', '=', '&', '?', '#', '%C3%BC', 'é', '%E6%97%A5', '%'],
);
/** Parts of paths. Most of these parts are accepted, so that the transformations get input. */
const plainAtoms = fc.constantFrom(
  ...['.', '..', 'a', 'b', '-', '_', '~', '/', '+', ',', ':', '@', '=', '&', '!', '(S(a))', '(', ')', '%20', '*'],
  ...['%C3%BC', '%CC%81', '%E6%97%A5', '%EF%BC%A1', '%F0%9F%93%A7', '%61', '%2d', '%40', '%E2%92%B6', '%C2%B2'],
);
const tails = fc.oneof(
  fc.array(plainAtoms, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('')),
  fc.array(atoms, { maxLength: 12 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }).map((text) => text.replace(/[^/]/gu, (each) => encoded(each))),
);

function encoded(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

/** Sequences of transformations; one transformation may occur several times. */
const chains = fc.array(fc.constantFrom(...Object.keys(readings)), { minLength: 1, maxLength: 6 });

it('an accepted URI stays below the prefix in every reading of servers and in any sequence of readings', () => {
  fc.assert(
    fc.property(tails, chains, (tail, chain) => {
      const uri = `${configured}/${tail}`;
      if (!isUriWithin(configured, uri)) return;
      const { origin, pathname } = new URL(uri);
      expect(origin).toBe('https://push.example.com');
      const read = chain.reduce((path, name) => readings[name]?.(path) ?? path, pathname);
      expect([read, isBelow(read, '/hook')]).toEqual([read, true]);
    }),
    { numRuns: 20_000 },
  );
});

it('the readings move refused URIs out of the prefix', () => {
  const leadsAway = (path: string, chain: readonly string[]): boolean =>
    !isBelow(
      chain.reduce((read, name) => readings[name]?.(read) ?? read, path),
      '/hook',
    );
  expect(leadsAway('/hook/..;x=1/..', ['remove parameters'])).toBe(true);
  expect(leadsAway('/hook/%252e%252e', ['decode UTF-8', 'decode UTF-8'])).toBe(true);
  expect(leadsAway('/hook/.%E2%80%8B./x', ['decode UTF-8', 'remove what shows nothing'])).toBe(true);
  expect(leadsAway('/hook/.a%CC%81.a%CC%81', ['decode UTF-8', 'normalise to NFKC', 'remove what is not ASCII'])).toBe(
    true,
  );
  expect(leadsAway('/hook/.(S(x))./x', ['remove the session of ASP.NET'])).toBe(true);
});
