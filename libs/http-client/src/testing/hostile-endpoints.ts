import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { eventually } from '@pns/local-servers/waiting';
import type { Outcome } from '@pns/transport-contract';
import { type LookUp, nameServerLookUp } from '../name-lookup';
import { NameServer, type Zone } from './name-server';

/** A transport whose endpoints users choose. */
interface EndpointHarness {
  /** Delivers for a client that allows http, and `allowedNetworks` in addition to public addresses. */
  deliverTo(endpoint: string, allowedNetworks: readonly string[]): Promise<Outcome>;
  close(): Promise<void>;
}

/** Addresses that no public endpoint has, and their spellings. */
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

/** Addresses of names that exist only on the name server of the attacker. */
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

/** Tests that a transport connects to public and allowed addresses only. `start` is called for each test. */
export function describeHostileEndpoints(name: string, start: (lookUp: LookUp) => EndpointHarness): void {
  let names: NameServer;
  let listener: Server;
  let connections: number;
  let transport: EndpointHarness;

  beforeAll(async () => {
    names = await NameServer.start((asked) => zones.get(asked));
    listener = createServer(() => connections++).listen(0, '::');
    await once(listener, 'listening');
  });

  beforeEach(() => {
    connections = 0;
    transport = start(nameServerLookUp({ servers: [names.address], hostsFile: '/nowhere', resolverFile: '/nowhere' }));
  });

  afterEach(() => transport.close());

  afterAll(async () => {
    listener.close();
    await names.close();
  });

  /** Starts a server on all addresses of loopback, which records the address of each connection. */
  async function service(headers: Readonly<Record<string, string>>, status: number) {
    const reached: (string | undefined)[] = [];
    const server = createHttpServer(({ socket }, response) => {
      reached.push(socket.localAddress);
      response.writeHead(status, { connection: 'close', ...headers }).end();
    }).listen(0, '0.0.0.0');
    await once(server, 'listening');
    return { server, reached, port: (server.address() as AddressInfo).port };
  }

  describe(`the transport ${name}`, () => {
    it('is tested with more than a hundred endpoints', () => {
      expect(hosts.length * schemes.length).toBeGreaterThan(100);
    });

    it.each(schemes)('opens no connection to an endpoint with %s on a special address', async (scheme) => {
      const { port } = listener.address() as AddressInfo;
      for (const host of hosts) {
        const outcome = await transport.deliverTo(`${scheme}://${host}:${port}/push/1`, []);
        expect([host, outcome.kind]).toEqual([host, 'rejected']);
        // Users must not learn the addresses of names.
        for (const address of secretAddresses(host)) expect(JSON.stringify(outcome)).not.toContain(address);
      }
      expect(connections).toBe(0);
    });

    it('checks the address of each connection if the address of a name changes', async () => {
      const { server, reached, port } = await service({}, 201);
      const endpoint = `http://flux.evil.example:${port}/push/1`;
      const deliver = () => transport.deliverTo(endpoint, ['127.0.0.2/32']);
      zones.set('flux.evil.example', { a: ['127.0.0.1', '127.0.0.2'], ttl: 0 });
      expect(await deliver()).toEqual({ kind: 'delivered' });
      zones.set('flux.evil.example', { a: ['127.0.0.1'], ttl: 0 });
      // Answers of name servers are cached for at least a second, so the first deliveries may succeed.
      await eventually('the new address is refused', async () => (await deliver()).kind === 'rejected');
      expect(new Set(reached)).toEqual(new Set(['127.0.0.2']));
      server.close();
    });

    it.each([301, 302, 303, 307, 308])('does not follow a redirect with %s', async (status) => {
      const { port } = listener.address() as AddressInfo;
      const redirecting = await service({ location: `http://127.0.0.1:${port}/` }, status);
      const endpoint = `http://127.0.0.2:${redirecting.port}/push/1`;
      expect(await transport.deliverTo(endpoint, ['127.0.0.0/8'])).toMatchObject({ kind: 'rejected' });
      expect([redirecting.reached, connections]).toEqual([['127.0.0.2'], 0]);
      redirecting.server.close();
    });
  });
}

/** The addresses of a name, except short ones such as `::`, which also occur in the names of rules. */
function secretAddresses(host: string): string[] {
  const { a = [], aaaa = [] } = zones.get(host) ?? {};
  return [...a, ...aaaa].filter((address) => address.length > 3);
}
