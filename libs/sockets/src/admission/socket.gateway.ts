import { type OnGatewayConnection, type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import { PnsError } from '@pns/runtime';
import type { Server, Socket } from 'socket.io';
import { CatchUp } from '../mailbox/catch-up';
import { invalidAuth } from './client-decoder';
import type { ClientWebSocket } from '../emit/client-web-socket';
import { UpgradeAdmission } from './upgrade-admission';
import { SocketAdmission } from './socket-admission';
import { refusalReason } from './refusal';
import { authenticateWithinMs } from './unauthenticated-connections';

/** The largest message that a client may send, in bytes: its CONNECT with a session token. A larger message closes its socket. */
const maxClientBytes = 16 * 1024;

/** A socket without a CONNECT is closed after this time, in ms. The client has a second to read the close frame. */
const connectTimeoutMs = authenticateWithinMs - 1000;

/** The Socket.IO part of a socket: its CONNECT, and the reason of its close. */
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
    private readonly upgrades: UpgradeAdmission,
    private readonly admission: SocketAdmission,
    private readonly catchUp: CatchUp,
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
    const upgrade = this.upgrades.upgradeOf(request);
    const open = upgrade?.socket;
    const { websocket } = request as typeof request & { websocket?: ClientWebSocket };
    if (upgrade === undefined || open === undefined || websocket === undefined) {
      throw new Error('A socket was opened without a handshake.');
    }
    this.upgrades.connected(upgrade);
    socket.on('disconnect', (reason) => this.admission.leave(open, reason));
    open.attach(socket, websocket);
    if (open.local.isBehind) void this.catchUp.run(open);
    // The request and its headers would stay in memory for as long as the socket is open. A deleted property would make V8 store the
    // other properties of the socket in a table, which needs more memory than the request.
    Reflect.set(conn, 'request', undefined);
    Reflect.set(socket, 'handshake', undefined);
  }

  private async admit(socket: Socket): Promise<void> {
    const upgrade = this.upgrades.upgradeOf(socket.request);
    if (upgrade === undefined) throw new PnsError('UNAVAILABLE', 'This socket was opened without a handshake.');
    const auth: unknown = socket.handshake.auth;
    if (auth === invalidAuth) {
      throw new PnsError('AUTH_INVALID', 'auth must be an object with the session token as its field token.');
    }
    await this.upgrades.connect(upgrade, (auth as { token?: unknown }).token);
  }
}

/** The error that Socket.IO sends as CONNECT_ERROR; clients find the code in `data.code`. */
function connectError({ code, message }: PnsError): Error {
  return Object.assign(new Error(message), { data: { code } });
}
