import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket as TcpSocket } from 'node:net';
import { Server as Engine, type Socket as EngineSocket } from 'engine.io';
import type { Delivery } from '@pns/transport-contract';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import { Backlog, maxBacklogBytes } from './backlog';
import { LocalSocket } from './local-socket';

/** A connection of Engine.IO whose client does not read until the test lets it. */
async function unread() {
  const server = createServer();
  const engine = new Engine({ transports: ['websocket'] });
  server.on('upgrade', (request: IncomingMessage, tcp: TcpSocket, head: Buffer) =>
    engine.handleUpgrade(request, tcp, head),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  client.write(
    'GET /?transport=websocket&EIO=4 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  const [conn] = (await once(engine, 'connection')) as [EngineSocket];
  const tcp = conn.request.socket;
  const backlog = new Backlog(tcp);
  backlog.watch(conn);
  return {
    conn,
    tcp,
    backlog,
    client,
    read: () => client.resume(),
    close: () => {
      client.destroy();
      engine.close();
      server.close();
    },
  };
}

it.each([
  ['large ones', 60_000],
  ['small ones', 100],
  ['those of a few bytes, with what they take in memory', 1],
])('counts all bytes that are sent to a client that does not read: %s', async (_, size) => {
  const { conn, tcp, backlog, close } = await unread();
  let sent = 0;
  while (!backlog.isExceeded) {
    conn.send('x'.repeat(size));
    sent += size;
    if (size > 1000) await new Promise((resolve) => setImmediate(resolve)); // TCP accepts as much as fits
  }
  expect(tcp.destroyed).toBe(true);
  // At most a MiB waits in this process. The kernel's buffers contain some MiB more, depending on the machine.
  expect(sent).toBeLessThan(maxBacklogBytes + 64 * 1024 * 1024);
  if (size === 1) expect(sent).toBeLessThan(maxBacklogBytes);
  close();
});

it('deletes confirmed events', async () => {
  const { conn, backlog, read, close } = await unread();
  read();
  for (let sent = 0; sent < 100; sent++) {
    const written = once(conn, 'drain');
    conn.send('x'.repeat(50_000));
    await written;
    while (!conn.transport.writable) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(backlog.isExceeded).toBe(false);
  close();
});

it('keeps the order of events and packets of Engine.IO for a client that reads late', async () => {
  const { conn, backlog, client, close } = await unread();
  const limits = { maxNotifications: 1000, maxBytes: maxBacklogBytes };
  const ofSocket = {
    context: 1,
    user: 2,
    client: 'suite',
    connection: '1',
    isAnonymous: false,
    wantsMeta: false,
    limits,
  };
  const socket = new LocalSocket(ofSocket, backlog);
  const { websocket } = conn.request as IncomingMessage & { websocket: WebSocket };
  socket.attach({ conn } as Socket, websocket);
  let sent = 0;
  const text = (): string => `#${sent++}#${'x'.repeat(50_000)}`;
  const sendEvent = async (): Promise<void> => {
    socket.send({ ...delivery, id: `${sent}`, notificationId: `${sent}`, payload: { text: text() } });
    await new Promise((resolve) => setImmediate(resolve));
  };
  while (backlog.isIdle) await sendEvent(); // these events go directly to TCP
  for (let round = 0; round < 5; round++) {
    conn.send(text());
    await sendEvent();
  }
  expect(backlog.isBuffering).toBe(true);
  expect(backlog.isExceeded).toBe(false);

  let data = '';
  client.setEncoding('latin1');
  for await (const chunk of client as AsyncIterable<string>) {
    data += chunk;
    if (data.includes(`#${sent - 1}#`)) break;
  }
  const numbers = [...data.matchAll(/#(\d+)#/g)].map(([, number]) => Number(number));
  expect(numbers).toEqual(Array.from({ length: sent }, (_, number) => number));
  close();
});

const delivery: Delivery = {
  ...{ id: 'd', notificationId: 'n', context: 1, user: 2, client: 'suite', transport: 'websocket', token: 'node' },
  ...{ topic: 'a', payload: {}, priority: 'high', count: 1, timestamp: 1, dueAt: 1, attempt: 1 },
};
