import fc from 'fast-check';
import { isChannelUri } from './wns.channel';

it.each([
  'https://db5p.notify.windows.com/w/?token=AwYAAAB%2fQAhYEiAE%3d',
  'https://cloud.notify.windows.com/?token=AQE%bU%2fSjZOCvRjjpILow%3d%3d',
  'https://notify.windows.com/?token=1',
  'https://wns2-by3p.notify.windows.com:443/w/?token=1',
  'HTTPS://A.B.Notify.Windows.COM/w/?token=1',
])('%s is a channel URI', (uri) => expect(isChannelUri(uri)).toBe(true));

it.each([
  ['no encryption', 'http://db5p.notify.windows.com/w/?token=1'],
  ['another domain', 'https://example.com/w/?token=1'],
  ['a domain with the same ending', 'https://evilnotify.windows.com/'],
  ['a domain with a suffix', 'https://notify.windows.com.example.com/'],
  ['the domain as credentials', 'https://db5p.notify.windows.com@example.com/'],
  ['credentials', 'https://a:b@db5p.notify.windows.com/'],
  ['the domain as a path', 'https://example.com/.notify.windows.com'],
  ['the domain as a fragment', 'https://example.com#.notify.windows.com'],
  ['the domain behind a backslash', 'https://example.com\\.notify.windows.com/'],
  ['a fragment', 'https://db5p.notify.windows.com/#x'],
  ['port 0', 'https://db5p.notify.windows.com:0/'],
  ['another port', 'https://db5p.notify.windows.com:8443/'],
  ['a dot at the end', 'https://db5p.notify.windows.com./'],
  ['the host of the devices', 'https://client.wns.windows.com/'],
  ['a line break that parsers skip', 'https://example.com\n.notify.windows.com/'],
  ['a blank in front', ' https://db5p.notify.windows.com/'],
  ['a Cyrillic letter', 'https://db5p.nоtify.windows.com/'],
  ['an address', 'https://127.0.0.1/'],
  ['an empty subdomain', 'https://.notify.windows.com/'],
  ['no host', 'https:///w/?token=1'],
  ['no scheme', 'AwYAAAB%2fQAhYEiAE%3d'],
  ['no characters', ''],
])('a URI with %s is not a channel URI', (_, uri) => expect(isChannelUri(uri)).toBe(false));

it('an allowed host without a port allows all ports, and one with a port only this port', () => {
  expect(isChannelUri('https://localhost:3005/w/?token=1', ['localhost'])).toBe(true);
  expect(isChannelUri('https://localhost:3005/w/?token=1', ['localhost:3005'])).toBe(true);
  expect(isChannelUri('https://[::1]:3005/w/?token=1', ['[::1]'])).toBe(true);
  expect(isChannelUri('https://localhost:3006/w/?token=1', ['localhost:3005'])).toBe(false);
  expect(isChannelUri('http://localhost:3005/w/?token=1', ['localhost'])).toBe(false);
  expect(isChannelUri('https://sub.localhost/', ['localhost'])).toBe(false);
  expect(isChannelUri('https://db5p.notify.windows.com/', ['localhost'])).toBe(true);
});

it('a request to any accepted URI goes to Microsoft', () => {
  const part = fc.constantFrom(
    'https://',
    'notify.windows.com',
    '.',
    '/',
    '@',
    '\\',
    ':',
    '#',
    '?',
    'x',
    '%2e',
    '\t',
    '。',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const uri = `https://${parts.join('')}`;
      if (isChannelUri(uri)) expect(new URL(uri).origin).toMatch(/^https:\/\/(?:[^./]+\.)*notify\.windows\.com$/);
    }),
    { numRuns: 2000 },
  );
});
