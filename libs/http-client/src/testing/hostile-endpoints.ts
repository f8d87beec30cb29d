import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { nameServerLookUp } from '@pns/http-client';
import { NameServer, type Zone } from '@pns/http-client/testing/name-server';
import { pushContent } from '@pns/payloads';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { newVapidKeys, webpushOptions, WebpushTransport } from './index';

const server = newVapidKeys();
const browser = {
  p256dh: newVapidKeys().publicKey,
  auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  applicationServerKey: server.publicKey,
};

/** Addresses that a push service never has, and their spellings. */
const addresses = [
  ...['127.0.0.1', '127.1', '0177.0.0.1', '0x7f.0.0.1', '2130706433', '0', '0.0.0.0', '127.255.255.254'],
  ...['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.255.255', '0xa000001'],
  ...['169.254.169.254', '169.254.170.2', '0xa9fea9fe', '2852039166', '100.100.100.200', '168.63.129.16'],
  ...['100.64.0.1', '192.0.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '192.88.99.1'],
  ...['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '１２７.0.0.1', '127。0。0。1'],
  ...['[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '[::ffff:0:127.0.0.1]'],
  ...['[64:ff9b::7f00:1]', '[64:ff9b::a9fe:a9fe]', '[2002:7f00:1::]', '[2001::1]', '[fe80::1]', '[fec0::1]'],
  ...['[fc00::1]', '[fd00:ec2::254]', '[ff02::1]', '[2001:db8::1]', '[100::1]', '[5f00::1]', '[4000::1]'],
];

/** Addresses of names that only the name server of the attacker knows. */
const resolved = [
  ...['127.0.0.1', '10.1.2.3', '172.16.5.5', '192.168.1.1', '169.254.169.254', '168.63.129.16', '100.64.1.1'],
  ...['0.0.0.0', '192.0.2.7', '198.18.1.1', '203.0.113.9', '224.0.0.5', '255.255.255.255', '240.1.1.1'],
];
const resolved6 = ['::1', '::', 'fe80::2', 'fc00::2', 'fd00:ec2::254', 'ff02::2', '2001:db8::2', '64:ff9b::a00:1'];
const zones = new Map<string, Zone>([
  ...resolved.map((address, at): [string, Zone] => [`four-${at}.evil.example`, { a: [address] }]),
  ...resolved6.map((address, at): [string, Zone] => [`six-${at}.evil.example`, { aaaa: [address] }]),
  ['many.evil.example', { a: ['10.0.0.1', '127.0.0.1', '192.168.0.1'], aaaa: ['::1'] }],
]);

/** Names that mean this machine without a name server. */
const local = ['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', 'push.localhost', 'xn--.localhost'];

const hosts = [...addresses, ...zones.keys(), ...local];
const schemes = ['https', 'http'] as const;

let names: NameServer;
let listener: Server;
let connections: number;
let allowedNetworks: string[];
let transport: WebpushTransport;

beforeAll(async () => {
  names = await NameServer.start((name) => zones.get(name));
  listener = createServer(() => connections++).listen(0, '::');
  await once(listener, 'listening');
});

beforeEach(() => {
  connections = 0;
  allowedNetworks = [];
  transport = new WebpushTransport({
    options: () => webpushOptions.parse({ httpsOnly: false, allowedNetworks }),
    content: (delivery) => pushContent(delivery, { hasBadge: true }),
    keysOf: () => Promise.resolve(() => browser),
    serverKeys: () => Promise.resolve(server),
    subject: () => undefined,
    lookUp: nameServerLookUp({ servers: [names.address], hostsFile: '/nowhere', resolverFile: '/nowhere' }),
  });
});

afterEach(() => transport.close());

afterAll(async () => {
  listener.close();
  await names.close();
});

function deliverTo(token: string): Promise<Outcome> {
  const delivery: Delivery = {
    ...{ id: 'd', notificationId: 'n', subscriptionId: 's', context: 1, user: 14, client: 'web', transport: 'webpush' },
    ...{ token, topic: 'ox:mail:new', payload: {}, priority: 'high', count: 1, timestamp: 0, dueAt: 0, attempt: 1 },
  };
  return transport.deliver(delivery, new AbortController().signal);
}

it('these are more than a hundred endpoints', () => {
  expect(hosts.length * schemes.length).toBeGreaterThan(100);
});

it.each(schemes)('no endpoint with %s on a special address gets a connection', async (scheme) => {
  const { port } = listener.address() as AddressInfo;
  for (const host of hosts) {
    const outcome = await deliverTo(`${scheme}://${host}:${port}/push/1`);
    expect([host, outcome.kind]).toEqual([host, 'rejected']);
  }
  expect(connections).toBe(0);
});

it('a name whose address changes is checked by the address of each connection', async () => {
  const reached: (string | undefined)[] = [];
  const service = createHttpServer(({ socket }, response) => {
    reached.push(socket.localAddress);
    response.writeHead(201, { connection: 'close' }).end();
  }).listen(0, '0.0.0.0');
  await once(service, 'listening');
  allowedNetworks = ['127.0.0.2/32'];
  const endpoint = `http://flux.evil.example:${(service.address() as AddressInfo).port}/push/1`;
  zones.set('flux.evil.example', { a: ['127.0.0.1', '127.0.0.2'], ttl: 0 });
  expect(await deliverTo(endpoint)).toEqual({ kind: 'delivered' });
  zones.set('flux.evil.example', { a: ['127.0.0.1'], ttl: 0 });
  await new Promise((resolve) => setTimeout(resolve, 1001)); // an answer is used for a second
  expect(await deliverTo(endpoint)).toMatchObject({ kind: 'rejected' });
  expect(reached).toEqual(['127.0.0.2']);
  service.close();
});
