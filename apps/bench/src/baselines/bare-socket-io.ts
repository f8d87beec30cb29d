import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';

const http = createServer();

/**
 * Bare Socket.IO with a room in memory for each connection id. It has no sessions and no limits, and the settings of PNS.
 * It sets the request of each handshake to null, as Socket.IO's documentation advises to save memory.
 */
export const io = new Server(http, {
  path: '/socket.io/appsuite/',
  transports: ['websocket'],
  allowUpgrades: false,
  allowEIO3: true,
  serveClient: false,
  pingInterval: 25_000,
  pingTimeout: 5000,
});

io.on('connection', (socket) => {
  void socket.join(String(socket.handshake.query['connection']));
  Reflect.set(socket.conn, 'request', null);
});

/** Starts to listen at a free port. */
export async function listen(): Promise<{ url: string }> {
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` };
}
