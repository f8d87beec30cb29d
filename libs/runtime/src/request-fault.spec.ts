import type { IncomingMessage } from 'node:http';
import { requestFault } from './request-fault';

function faultOf(url: string, hosts: string[] = ['api.example.com:3000'], method = 'GET'): string | undefined {
  const rawHeaders = ['Accept', '*/*', ...hosts.flatMap((host, at) => [at % 2 === 0 ? 'Host' : 'hOST', host])];
  return requestFault({ method, url, rawHeaders } as IncomingMessage);
}

it.each(['/', '/v1/notifications?a=//b', '/docs//x', '/http://evil/', '/a\\b', '/?http://x'])(
  'routes the request target %s',
  (url) => {
    expect(faultOf(url)).toBeUndefined();
  },
);

it.each(['//evil/docs', '/\\evil/docs', 'http://evil/docs', 'HTTPS://evil/docs', 'evil:3000', 'docs', '', '*', '?x'])(
  'refuses the request target %j',
  (url) => {
    expect(faultOf(url)).toMatch(/request target/);
  },
);

it.each(['/docs#', '/public#/../docs', '/metrics#x', '/docs?a=1#b'])(
  'refuses the request target %s with a fragment',
  (url) => {
    expect(faultOf(url)).toMatch(/fragment/);
  },
);

it('routes OPTIONS *', () => {
  expect(faultOf('*', ['a'], 'OPTIONS')).toBeUndefined();
});

it.each([[[]], [['']], [['a']], [['[::1]:3000']], [['127.0.0.1']], [['xn--bcher-kva.example']]])(
  'routes the hosts %j',
  (hosts) => {
    expect(faultOf('/', hosts)).toBeUndefined();
  },
);

it.each([[['a', 'a']], [['a', 'b']], [['a', 'b', 'c']]])('refuses the hosts %j', (hosts) => {
  expect(faultOf('/', hosts)).toMatch(/more than one Host/);
});

it.each(['a, b', 'a/b', 'user@a', 'a?b', 'a#b', 'a\\b', 'a\tb', 'ä'])('refuses the host %j', (host) => {
  expect(faultOf('/', [host])).toMatch(/Host header/);
});
