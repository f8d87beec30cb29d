import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server as HttpServer } from 'node:http';
import type { AddressInfo, Socket as TcpSocket } from 'node:net';
import { Server as Engine, type Socket as EngineSocket } from 'engine.io';
import { Decoder, PacketType, type Packet } from 'socket.io-parser';
import { WebSocket, WebSocketServer } from 'ws';
import { passOn } from '../admission/pass-on';

/**
 * Tests the undocumented parts of Engine.IO, Socket.IO's parser and ws that `libs/sockets` uses. package.json pins their minor
 * versions; newer versions must pass these tests.
 */

class OwnWebSocket extends WebSocket {}

class OwnWebSocketServer extends WebSocketServer<typeof OwnWebSocket> {
  constructor(options: object) {
    super({ ...options, WebSocket: OwnWebSocket });
  }
}

let server: HttpServer;
let client: WebSocket;
let conn: EngineSocket;
/** The events of the connection that an upgrade listens for once, and the listeners for its close that are left. */
let listensOnceFor: readonly unknown[] = [];
let newListeners: readonly object[] = [];
const received: string[] = [];

beforeAll(async () => {
  server = createServer();
  const engine = new Engine({ transports: ['websocket'], wsEngine: OwnWebSocketServer });
  server.on('upgrade', (request, tcp: TcpSocket, head) => {
    const before = new Set(tcp.rawListeners('close'));
    const once = jest.spyOn(tcp, 'once');
    passOn(engine, request, tcp, head);
    listensOnceFor = once.mock.calls.map(([event]) => event);
    newListeners = tcp.rawListeners('close').filter((listener) => !before.has(listener));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const opened = once(engine, 'connection');
  const { port } = server.address() as AddressInfo;
  client = new WebSocket(`ws://127.0.0.1:${port}/?EIO=4&transport=websocket`);
  client.on('message', (data: Buffer) => received.push(data.toString()));
  [conn] = (await opened) as [EngineSocket];
  await once(client, 'open');
});

afterAll(() => {
  client.terminate();
  server.close();
});

it("Engine.IO makes its Web Sockets with the class that `wsEngine` names, and leaves each at its socket's request", () => {
  const { websocket } = conn.request as IncomingMessage & { websocket?: WebSocket };
  expect(websocket).toBeInstanceOf(OwnWebSocket);
});

it('Engine.IO writes a finished frame as it is', async () => {
  const text = '4finished';
  const frame = Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]); // RFC 6455, 5.2: an unmasked text frame
  const arrived = once(client, 'message');
  const options: object = { wsPreEncodedFrame: [frame] };
  conn.write('not this', options);
  await arrived;
  expect(received.at(-1)).toBe('4finished');
});

it('Engine.IO emits each packet with its options before it writes it, and says when it was written', async () => {
  const packet = new Promise<{ data?: unknown; options?: object }>((resolve) => conn.once('packetCreate', resolve));
  const ready = once(conn.transport, 'ready');
  const drained = once(conn, 'drain');
  conn.write('any', { wsPreEncodedFrame: undefined } as object);
  expect(await packet).toMatchObject({ data: 'any', options: {} });
  await Promise.all([ready, drained]);
  expect(conn.transport.writable).toBe(true);
});

it('the response of an upgrade, and no other part of Engine.IO and ws, listens once for the close of the connection', () => {
  expect(listensOnceFor.filter((event) => event === 'close')).toEqual(['close']);
  expect(newListeners.map((listener) => 'listener' in listener)).toEqual([false]);
});

it("Engine.IO works without a socket's request once it is open", async () => {
  Reflect.set(conn, 'request', undefined);
  const arrived = once(client, 'message');
  conn.write('without a request');
  await arrived;
  expect(received.at(-1)).toBe('4without a request');
});

it("Socket.IO's decoder is given each packet by `add` and emits it as `decoded`", () => {
  class OwnDecoder extends Decoder {
    override add(packet: string): void {
      this.emitReserved('decoded', { type: PacketType.CONNECT, nsp: '/', data: packet });
    }
  }
  const packets: Packet[] = [];
  const decoder = new OwnDecoder();
  decoder.on('decoded', (packet: Packet) => packets.push(packet));
  decoder.add('any');
  expect(packets).toEqual([{ type: PacketType.CONNECT, nsp: '/', data: 'any' }]);
});
