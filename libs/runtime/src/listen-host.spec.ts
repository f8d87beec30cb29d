import { listenHost, urlHostOf } from './listen-host';
import { log } from './log';

const fault = (code?: string) => () => Promise.resolve(code);

it('logs once that there is no IPv6', async () => {
  const warned = jest.spyOn(log, 'warn').mockImplementation(() => undefined);
  for (let app = 0; app < 7; app++) await listenHost('::', fault('EAFNOSUPPORT'));
  expect(warned.mock.calls).toEqual([[{ event: 'app.without-ipv6', host: '0.0.0.0' }]]);
});

it.each([
  ['::', undefined, '::'],
  ['::', 'EAFNOSUPPORT', '0.0.0.0'],
  ['::', 'EADDRNOTAVAIL', '0.0.0.0'],
  ['::', 'EMFILE', '::'], // another failure is not hidden
  ['127.0.0.1', 'EAFNOSUPPORT', '127.0.0.1'],
  ['::1', 'EAFNOSUPPORT', '::1'], // an explicit address is not replaced
])('PNS_LISTEN_HOST=%s, and the system answers %s: listens on %s', async (host, code, expected) => {
  jest.spyOn(log, 'warn').mockImplementation(() => undefined);
  expect(await listenHost(host, fault(code))).toBe(expected);
});

it.each([
  ['::', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.1'],
  ['10.0.0.7', '10.0.0.7'],
  ['::1', '[::1]'],
])('an app that listens on %s is reached at %s', (host, expected) => {
  expect(urlHostOf(host)).toBe(expected);
});
