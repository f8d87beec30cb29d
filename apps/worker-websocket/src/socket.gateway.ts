import { type OnGatewayConnection, type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import { PnsError } from '@pns/runtime';
import type { Server, Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import { connectTimeoutMs, Door } from './door';
import { Reception } from './reception';
import { refusalReason } from './refusal';

/** What a client may send, in bytes: its CONNECT with a session token, and nothing after that. */
const maxClientBytes = 16 * 1024;

/** Knows Socket.IO's side of a socket: its CONNECT, and why it went. */
@WebSocketGateway({
  transports: ['websocket'],
  allowUpgrades: false,
  allowEIO3: true,
  serveClient: false,
  pingInterval: 25_000,
  pingTimeout: 5000,
  connectTimeout: connectTimeoutMs,
  maxHttpBufferSize: maxClientBytes,
})
export class SocketGateway implements OnGatewayInit<Server>, OnGatewayConnection<Socket> {
  constructor(
    private readonly door: Door,
    private readonly reception: Reception,
  ) {}

  afterInit(server: Server): void {
    server.use((socket, next) => {
      this.admit(socket).then(
        () => next(),
        (error: unknown) => next(connectError(refusalReason(error))),
      );
    });
  }

  handleConnection(socket: Socket): void {
    const { request, conn } = socket;
    const open = this.door.arrivalOf(request)?.socket;
    const { websocket } = request as typeof request & { websocket?: WebSocket };
    if (open === undefined || websocket === undefined) throw new Error('A socket was let in past the door.');
    socket.once('disconnect', (reason) => this.reception.leave(open, reason));
    open.attach(socket, websocket);
    Reflect.deleteProperty(conn, 'request'); // its headers would stay in memory as long as the socket
  }

  private async admit(socket: Socket): Promise<void> {
    const arrival = this.door.arrivalOf(socket.request);
    if (arrival === undefined) throw new PnsError('UNAVAILABLE', 'This socket came by no known way.');
    const auth: unknown = socket.handshake.auth;
    await this.door.admitLate(arrival, (auth as { token?: unknown }).token);
  }
}

/** What Socket.IO sends as CONNECT_ERROR: the code is `data.code` at the client. */
function connectError({ code, message }: PnsError): Error {
  return Object.assign(new Error(message), { data: { code } });
}
