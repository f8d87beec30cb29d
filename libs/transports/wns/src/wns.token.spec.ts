import { plainUris, someRespellings } from '@pns/transport-contract/testing/uri-spellings';
import fc from 'fast-check';
import { wnsToken } from './wns.token';

const channel = 'https://db5p.notify.windows.com/w/?token=AwYAAAB%2fQAhYEiAE%3d';

it('accepts a channel URI at the hosts of Microsoft, and at hosts that the options of the client allow', () => {
  expect(wnsToken.tokenProblem(channel)).toBeUndefined();
  expect(wnsToken.tokenProblem('https://localhost:3005/w/?token=1')).toContain('channel URI');
  expect(wnsToken.tokenProblem('https://localhost:3005/w/?token=1', ['localhost'])).toBeUndefined();
});

it.each([
  ['text', 'abc'],
  ['a channel on a foreign host', 'https://evil.example.com/?token=abc'],
  ['a channel without encryption', channel.replace('https', 'http')],
  ['a channel with a malformed escape', `${channel}%`],
  ['a host without a channel', 'https://db5p.notify.windows.com'],
  ['a host with an empty path and query', 'https://db5p.notify.windows.com/?'],
  ['another host behind a backslash', 'https://db5p.notify.windows.com\\@evil.example.com/'],
  ['an encoded host', channel.replace('.notify', '%2enotify')],
  ['a character that is not allowed in URIs', `${channel}"`],
  ['a device token', 'ab12'.repeat(16)],
  ['a placeholder', 'undefined'],
  ['nothing', ''],
])('%s is not a channel URI', (_, token) => expect(wnsToken.tokenProblem(token)).toContain('channel URI'));

it('has the same normal form in any spelling of its URI', () => {
  expect(wnsToken.normalToken(channel)).toBe('https://db5p.notify.windows.com/w/?token=AwYAAAB%2FQAhYEiAE%3D');
  fc.assert(
    fc.property(plainUris, someRespellings, (uri, respell) => {
      expect(wnsToken.normalToken(respell(uri))).toBe(wnsToken.normalToken(uri));
    }),
  );
});
