// Attacks of one client or user on the built processes, during which all other clients and users must be served.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@pns/local-servers/waiting';
import { WebSocket } from 'ws';
import { listen } from './sockets';
import { signatureSecret, System } from './system';

const folder = mkdtempSync(join(tmpdir(), 'pns-attacks-'));
const context = 1;
const victim = { context, user: 14 };

let system: System;
let names: Socket;

beforeAll(async () => {
  names = await nameServer();
  const preload = join(folder, 'name-server.cjs');
  writeFileSync(preload, usingNameServer(`127.0.0.1:${names.address().port}`));
  system = await System.start({
    isDurable: false,
    processes: { 'worker-webhook': 0 },
    properties: { 'com.openexchange.pns.delayDuration': 0, 'com.openexchange.webhooks.enabledIds': 'any,named' },
  });
  const { port } = new URL(system.sandbox.url);
  const uri = `http://good.example.org:${port}/webhooks/box`;
  const webhooks = {
    named: { uri, signatureSecret, httpsOnly: false, allowedNetworks: ['127.0.0.0/8'] },
    any: { uriValidationMode: 'none', httpsOnly: false },
  };
  system.configure('webhooks.yml', JSON.stringify(webhooks)); // JSON is valid YAML
  await system.add('worker-webhook', {}, { nodeArgs: ['--require', preload] });
});

afterAll(async () => {
  await system?.stop();
  names?.close();
  rmSync(folder, { recursive: true });
});

/** A name server that returns the IPv4 address of `good.example.org`, and does not answer for other names. */
async function nameServer(): Promise<Socket> {
  const record = Buffer.of(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1); // the name of the question, A, IN, 60 s
  const server = createSocket('udp4').on('message', (question, { port, address }) => {
    if (!question.toString('latin1').toLowerCase().includes('\x04good')) return;
    const end = question.indexOf(0, 12) + 5; // the end of the name, its type and its class
    const isIpv4 = question[end - 3] === 1;
    // RFC 1035, 4.1.1: the id, the flags of an answer, and the numbers of questions and answers.
    const header = [question.subarray(0, 2), Buffer.of(0x81, 0x80, 0, 1, 0, isIpv4 ? 1 : 0, 0, 0, 0, 0)];
    server.send(Buffer.concat([...header, question.subarray(12, end), ...(isIpv4 ? [record] : [])]), port, address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** The text of a module. A process that loads the module uses this name server. */
function usingNameServer(address: string): string {
  return `
const promises = require('node:dns/promises');
const { Resolver } = promises;
promises.Resolver = class extends Resolver {
  constructor(...options) {
    super(...options);
    this.setServers(['${address}']);
  }
};
`;
}

function notify(user: number, id: string): Promise<unknown> {
  const payload = { folder: 'default0/INBOX', id };
  return system.expect(202, 'POST', '/v1/notifications', { context, user, topic: 'ox:mail:new', payload });
}

/** Opens a socket, connects it over Socket.IO, and then stops reading from it. */
async function deafSocket(connection: string): Promise<WebSocket> {
  const { token } = await system.expect<{ token: string }>(201, 'POST', '/v1/sessions', { context, user: 15 });
  const { host } = new URL(system.app('worker-websocket').url);
  const query = `EIO=4&transport=websocket&connection=${connection}&session=${token}`;
  const socket = new WebSocket(`ws://${host}/socket.io/appsuite/?${query}`);
  socket.on('error', () => undefined);
  await once(socket, 'message'); // Engine.IO's OPEN
  socket.send('40');
  await once(socket, 'message'); // the answer to the CONNECT
  socket.pause();
  return socket;
}

/** More bytes than the TCP buffers of both sides can hold. */
const floodBytes = 32 * 1024 * 1024;

it.each<[string, (socket: WebSocket, done: () => void) => void]>([
  ['pings', (socket, done) => socket.ping('x'.repeat(125), true, done)],
  ['pongs', (socket, done) => socket.pong('x'.repeat(125), true, done)],
  ['CONNECTs', (socket, done) => socket.send(`40{"a":"${'x'.repeat(115)}"}`, done)],
])('a client that sends %s and does not read is closed, and another one gets its notification', async (kind, send) => {
  const other = await listen(system, victim, { connection: kind });
  const socket = await deafSocket(kind);
  let sent = 0;
  while (socket.readyState === WebSocket.OPEN && sent < floodBytes) {
    await Promise.all(Array.from({ length: 100 }, () => new Promise<void>((resolve) => send(socket, resolve))));
    sent += 100 * 125;
  }
  expect(sent).toBeLessThan(floodBytes);
  await notify(victim.user, kind);
  await other.got(1);
  other.socket.close();
});

it('names of one user whose name servers are silent delay no delivery of another user', async () => {
  const subscribe = async (body: object): Promise<boolean> =>
    (await system.request('POST', '/v1/subscriptions', { transport: 'webhook', topics: ['*'], ...body })).status ===
    201;
  await eventually('the API has read the webhooks', () => subscribe({ ...victim, client: 'named' }));
  for (let at = 0; at < 60; at++) {
    expect(await subscribe({ context, user: 15, client: 'any', token: `http://silent-${at}.example.org/` })).toBe(true);
  }
  await notify(15, 'to silent names');
  await eventually('a delivery to a silent name has failed', () =>
    system
      .app('worker-webhook')
      .logged('delivery.attempted')
      .some(({ user, outcome }) => user === 15 && outcome !== 'delivered'),
  );
  await notify(victim.user, 'beside the silent names');
  await system.arrivalsOf(1);
});
