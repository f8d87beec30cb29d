import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, startNginx, type ServerProcess } from '@pns/local-servers';
import type { AppProcess } from './app-process';
import { openSocket, type Listener } from './sockets';
import { System } from './system';

const folder = mkdtempSync(join(tmpdir(), 'pns-nginx-'));
const page = readFileSync(join(__dirname, '..', '..', '..', 'docs', 'operating.md'), 'utf8');

let system: System;
let nginx: ServerProcess;
let nodes: { readonly port: string; app: AppProcess }[];

/** The block of the page, with our addresses and files. */
function blockFor(port: number): string {
  const [, block = ''] = /```nginx\n([^`]*)```/.exec(page) ?? [];
  const ports = nodes.map((node) => node.port);
  return block
    .replace(/192\.0\.2\.1\d:3001/g, () => `127.0.0.1:${ports.shift()}`)
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replaceAll('/var/log/nginx/', `${folder}/`);
}

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
  nginx = await startNginx({ folder, http: blockFor });
});

afterAll(async () => {
  await nginx?.stop();
  await system?.stop();
  rmSync(folder, { recursive: true });
});

const startNode = (port: string): Promise<AppProcess> => system.add('worker-websocket', { PNS_WEBSOCKET_PORT: port });

/** A user's socket through nginx, and how many notifications were posted for the user. */
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
    const url = `http://127.0.0.1:${nginx.port}`;
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

it('two nodes are restarted one after the other under load: every socket reconnects at its first try and misses nothing', async () => {
  const clients = await Promise.all(Array.from({ length: 12 }, (_, number) => Client.open(number + 1)));
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
  }
  isOver = true;
  await load;
  for (const client of clients) await client.listener.until(() => new Set(client.ids).size === client.posted);
  for (const client of clients) await client.post(); // repeated events would have arrived before these
  for (const client of clients) await client.listener.until(() => client.ids.includes(client.posted - 1));
  for (const { ids, posted, listener } of clients) {
    expect(ids.sort((one, other) => one - other)).toEqual(Array.from({ length: posted }, (_, id) => id));
    expect([listener.refusals, listener.timesTold(), listener.socket.connected]).toEqual([[], 0, true]);
    listener.socket.close();
  }
  const logs = ['pns-sockets.log', 'pns-sockets-error.log'].map((file) => readFileSync(join(folder, file), 'utf8'));
  expect(logs.join('')).toContain('"GET /socket.io/appsuite/" 101');
  expect(logs.join('')).not.toContain('session');
});
