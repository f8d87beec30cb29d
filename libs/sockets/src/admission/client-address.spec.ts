import type { IncomingMessage } from 'node:http';
import { addressKey, ClientAddresses } from './client-address';

it.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::FFFF:7f00:1', '127.0.0.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', 'unknown'],
  ['unknown', 'unknown'],
  ['_hidden', 'unknown'],
  ['10.0.0.1:1234', 'unknown'],
])('%j counts as %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});

const request = (peer: string, forwarded?: string) =>
  ({
    socket: { remoteAddress: peer },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage;

it.each<[string, string, string | undefined, string]>([
  ['without the header', '10.0.0.1', undefined, '10.0.0.1'],
  ['by a proxy', '10.0.0.1', '203.0.113.7', '203.0.113.7'],
  ['by a proxy in IPv6 notation', '::ffff:10.0.0.1', '203.0.113.7', '203.0.113.7'],
  ['by two proxies', '10.0.0.1', '203.0.113.7, 10.0.0.2', '203.0.113.7'],
  ['by a proxy that passes on what a client made up', '10.0.0.1', '198.51.100.1, 203.0.113.7', '203.0.113.7'],
  ['by nobody who is trusted', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['by a proxy that does not know', '10.0.0.1', 'unknown', 'unknown'],
  ['by a proxy with rubbish', '10.0.0.1', ' , ;', 'unknown'],
])('the client address of a request is read %s', (_, peer, forwarded, address) => {
  expect(new ClientAddresses(['10.0.0.0/8']).of(request(peer, forwarded))).toBe(address);
});

it('a peer is a proxy only if it is configured as one', () => {
  expect(new ClientAddresses([]).isProxy('127.0.0.1')).toBe(false);
  expect(new ClientAddresses(['127.0.0.1']).isProxy('::ffff:127.0.0.1')).toBe(true);
  expect(new ClientAddresses(['2001:db8::/32']).isProxy('2001:db8::1')).toBe(true);
  expect(new ClientAddresses(['2001:db8::/32']).isProxy('')).toBe(false);
});
