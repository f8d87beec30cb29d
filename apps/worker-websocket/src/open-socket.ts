import type { Socket as TcpSocket } from 'node:net';
import type { SocketKey } from '@pns/presence';
import type { Session } from '@pns/sessions';
import { sessionInvalidEvent, type LocalSocket } from '@pns/transport-websocket';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import { destroySoon } from './client-web-socket';

/** The code of a server that restarts: the client is to come back at once. IANA, "WebSocket Close Code Number Registry". */
const serviceRestart = 1012;

/** The code that stands for a connection that broke without a good-bye: RFC 6455, 7.1.5. */
const brokenOff = 1006;

/** A client stays silent for up to this long before it is missed, in ms: the ping's interval and its time-out. */
const silenceMs = 30_000;

/** One client that was let in: its place in presence, its session and its connection. */
export class OpenSocket {
  private socket: Socket | undefined;
  private webSocket: WebSocket | undefined;
  private closeCode: number | undefined;
  /** Its session ended before the client had said CONNECT. */
  hasEnded = false;
  /** Since when it was away before it came; what waited for it reaches the client with its CONNECT, not before. */
  awaySince: number | undefined;

  constructor(
    readonly key: SocketKey,
    readonly session: Session,
    readonly tcp: TcpSocket,
    readonly local: LocalSocket,
  ) {}

  /** The client sent its CONNECT. Whatever ends the Socket.IO session from now on, the connection goes with it. */
  attach(socket: Socket, webSocket: WebSocket): void {
    this.socket = socket;
    this.webSocket = webSocket;
    webSocket.prependOnceListener('close', (code: number) => (this.closeCode = code));
    socket.once('disconnect', () => {
      socket.conn.close();
      destroySoon(this.tcp);
    });
    this.local.attach(socket);
    if (this.hasEnded) this.endSession();
  }

  /** Tells the client that its session is over, and closes. Socket.IO clients do not come back by themselves then. */
  endSession(): void {
    this.hasEnded = true;
    if (this.socket === undefined) return; // whoever lets it in looks at `hasEnded`
    this.socket.emit(sessionInvalidEvent);
    this.socket.disconnect(true);
    destroySoon(this.tcp);
  }

  /** Closes with the hint to come back at once, to whichever node there is. */
  restart(): void {
    if (this.webSocket === undefined) this.tcp.destroy();
    this.webSocket?.close(serviceRestart, 'service restart');
    destroySoon(this.tcp);
  }

  /** Whether something that was sent may not have arrived. `reason` is Socket.IO's. */
  mayHaveMissed(reason: string): boolean {
    const brokeOff =
      !this.local.isAttached ||
      reason === 'ping timeout' ||
      reason === 'transport error' ||
      (reason === 'transport close' && this.closeCode === brokenOff);
    return this.local.isCutOff || (brokeOff && Date.now() - this.local.sentAt < silenceMs);
  }
}
