import { plainUris, someRespellings } from '@pns/transport-contract/testing/uri-spellings';
import fc from 'fast-check';
import { wnsToken } from './wns.token';

const channel = 'https://db5p.notify.windows.com/w/?token=AwYAAAB%2fQAhYEiAE%3d';

it('takes a channel on Microsoft’s hosts, and on those that the client’s options allow', () => {
  expect(wnsToken.tokenProblem(channel)).toBeUndefined();
  expect(wnsToken.tokenProblem('https://localhost:3005/w/?token=1')).toContain('channel URI');
  expect(wnsToken.tokenProblem('https://localhost:3005/w/?token=1', ['localhost'])).toBeUndefined();
});

it.each([
  ['text', 'abc'],
  ['a channel on a foreign host', 'https://evil.example.com/?token=abc'],
  ['a channel without encryption', channel.replace('https', 'http')],
  ['a channel with an escape that is none', `${channel}%`],
  ['a host without a channel', 'https://db5p.notify.windows.com'],
  ['a host with an empty path and query', 'https://db5p.notify.windows.com/?'],
  ['another host behind a backslash', 'https://db5p.notify.windows.com\\@evil.example.com/'],
  ['an encoded host', channel.replace('.notify', '%2enotify')],
  ['a character that no URI has', `${channel}"`],
  ['a device token', 'ab12'.repeat(16)],
  ['a placeholder', 'undefined'],
  ['nothing', ''],
])('%s is none', (_, token) => expect(wnsToken.tokenProblem(token)).toContain('channel URI'));

it('is the same one in any spelling of its URI', () => {
  expect(wnsToken.normalToken(channel)).toBe('https://db5p.notify.windows.com/w/?token=AwYAAAB%2FQAhYEiAE%3D');
  fc.assert(
    fc.property(plainUris, someRespellings, (uri, respell) => {
      expect(wnsToken.normalToken(respell(uri))).toBe(wnsToken.normalToken(uri));
    }),
  );
});
