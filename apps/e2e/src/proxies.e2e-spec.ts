import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, startHaproxy, startNginx, type ServerProcess } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import type { AppProcess } from './app-process';
import { root } from './doc-page';
import { openSocket, type Listener } from './sockets';
import { apiKey, System } from './system';

jest.setTimeout(300_000);

const folder = mkdtempSync(join(tmpdir(), 'pns-proxies-'));

let system: System;
let proxy: ServerProcess;
let nodes: { readonly port: string; app: AppProcess }[];

/** An example of the folder `deploy`, with our addresses. */
function example(...path: string[]): string {
  const ports = nodes.map((node) => node.port);
  return readFileSync(join(root, 'deploy', ...path), 'utf8')
    .replace(/192\.0\.2\.1\d:3000/g, `127.0.0.1:${system.app('api').port}`)
    .replace(/192\.0\.2\.1\d:3001/g, () => `127.0.0.1:${ports.shift()}`);
}

interface Proxy {
  readonly start: () => Promise<ServerProcess>;
  /** Resolves when the proxy forwards to both nodes. */
  readonly knowsNodes: () => Promise<unknown>;
  readonly logs: () => string;
}

const ofNginx = join(folder, 'nginx');
const nginx: Proxy = {
  start: () =>
    startNginx({
      folder: ofNginx,
      http: (port) =>
        example('nginx', 'pns.conf')
          .replace('listen 80;', `listen 127.0.0.1:${port};`)
          .replaceAll('/var/log/nginx/', `${ofNginx}/`),
    }),
  knowsNodes: () => Promise.resolve(), // nginx does not check the nodes
  logs: () => ['pns.log', 'pns-error.log'].map((file) => readFileSync(join(ofNginx, file), 'utf8')).join(''),
};

const ofHaproxy = join(folder, 'haproxy');
const haproxySocket = join(ofHaproxy, 'admin.sock');
const haproxy: Proxy = {
  start: () =>
    startHaproxy({
      folder: ofHaproxy,
      configuration: (port) =>
        example('haproxy', 'haproxy.cfg')
          .replace('bind :80', `bind 127.0.0.1:${port}`)
          .replace('/run/haproxy/admin.sock', haproxySocket),
    }),
  knowsNodes: () =>
    eventually('HAProxy forwards to both nodes', async () => {
      const socket = connect(haproxySocket);
      socket.write('show servers state pns_sockets\n');
      const servers = (await text(socket)).split('\n').filter((line) => line.includes(' pns_sockets '));
      return servers.length === 2 && servers.every((line) => line.split(' ')[5] === '2'); // status 2: running
    }),
  logs: () => readFileSync(join(ofHaproxy, 'haproxy.log'), 'utf8'),
};

beforeAll(async () => {
  system = await System.start({
    isDurable: false,
    processes: { 'worker-websocket': 0, 'worker-webhook': 0 },
    properties: { 'com.openexchange.pns.delayDuration': 0 },
    env: { PNS_TRUSTED_PROXIES: '127.0.0.1' },
  });
  nodes = [];
  for (let count = 0; count < 2; count++) {
    const port = `${await freePort()}`;
    nodes.push({ port, app: await startNode(port) });
  }
});

afterAll(async () => {
  await system?.stop();
  rmSync(folder, { recursive: true });
});

const startNode = (port: string): Promise<AppProcess> => system.add('worker-websocket', { PNS_WEBSOCKET_PORT: port });

/** A user's socket through the tested proxy, and the number of notifications that were posted for the user. */
class Client {
  posted = 0;

  private constructor(
    readonly user: { context: number; user: number },
    readonly listener: Listener,
  ) {}

  static async open(number: number): Promise<Client> {
    const user = { context: 1, user: number };
    const { token: session } = await system.expect<{ token: string }>(201, 'POST', '/v1/sessions', user);
    const generation = number % 2 === 0 ? 'v2' : 'v4';
    const url = `http://127.0.0.1:${proxy.port}`;
    return new Client(user, await openSocket(url, { generation, session, connection: 'phone', reconnection: true }));
  }

  async post(): Promise<void> {
    const payload = { folder: 'default0/INBOX', id: `${this.posted++}` };
    await system.expect(202, 'POST', '/v1/notifications', { ...this.user, topic: 'ox:mail:new', payload });
  }

  get ids(): number[] {
    return this.listener.received.map(({ frame }) => Number((frame[1] as { id: string }).id));
  }
}

describe.each([
  ['nginx', nginx, 1],
  ['HAProxy', haproxy, 101],
])('behind %s', (_, { start, knowsNodes, logs }, firstUser) => {
  beforeAll(async () => {
    proxy = await start();
    await knowsNodes();
  });
  afterAll(() => proxy?.stop());

  it('the API is reached with a key, and metrics, health and documentation are not', async () => {
    const headers = { authorization: `Bearer ${apiKey}` };
    const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${proxy.port}${path}`, { headers })).status;
    expect(await statusOf('/v1/config/properties?limit=1')).toBe(200);
    for (const path of ['/metrics', '/health/ready', '/docs', '/openapi.json', '/', '/v1x']) {
      expect([path, await statusOf(path)]).toEqual([path, 404]);
    }
  });

  it('two nodes are restarted one after the other under load: every socket reconnects at its first try and misses nothing', async () => {
    const clients = await Promise.all(Array.from({ length: 12 }, (_, number) => Client.open(firstUser + number)));
    let isOver = false;
    const load = (async () => {
      while (!isOver) for (const client of clients) await Promise.all([client.post(), pause(2)]);
    })();
    for (const node of nodes) {
      const held = (await node.app.metric('pns_open_sockets')).get('') ?? 0;
      const connects = (): number => clients.reduce((sum, { listener }) => sum + listener.timesConnected(), 0);
      const before = connects();
      const allBack = Promise.all(clients.map(({ listener }) => listener.until(() => connects() >= before + held)));
      expect(await node.app.stop()).toBe(0);
      await allBack;
      node.app = await startNode(node.port);
      await knowsNodes();
    }
    isOver = true;
    await load;
    for (const client of clients) await client.listener.until(() => new Set(client.ids).size === client.posted);
    for (const client of clients) await client.post(); // events that are sent twice would arrive before these
    for (const client of clients) await client.listener.until(() => client.ids.includes(client.posted - 1));
    for (const { ids, posted, listener } of clients) {
      expect(ids.sort((one, other) => one - other)).toEqual(Array.from({ length: posted }, (_, id) => id));
      expect([listener.refusals, listener.timesInformed(), listener.socket.connected]).toEqual([[], 0, true]);
      listener.socket.close();
    }
    await eventually('the requests of all sockets are in the log', () =>
      logs().includes('"GET /socket.io/appsuite/" 101'),
    );
    expect(logs()).not.toContain('session=');
  });
});
