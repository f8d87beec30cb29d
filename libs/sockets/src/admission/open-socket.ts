import type { Socket as TcpSocket } from 'node:net';
import type { Opening } from '../registry/socket-keys';
import type { Session } from '@pns/sessions';
import { sessionInvalidEvent } from '../emit/websocket.payload';
import type { LocalSocket } from '../emit/local-socket';
import type { Unreceived } from '../emit/unconfirmed';
import type { Socket } from 'socket.io';
import { destroySoon, type ClientWebSocket } from '../emit/client-web-socket';

/** The code of a server that restarts, upon which clients reconnect at once. IANA, "WebSocket Close Code Number Registry". */
const serviceRestart = 1012;

/** The code of a browser that leaves the page: RFC 6455, 7.4.1. */
const goingAway = 1001;

/** The code that stands for a connection that ended without a close frame: RFC 6455, 7.1.5. */
const aborted = 1006;

/** The socket of an admitted client: its entry in the registry, its session and its connection. */
export class OpenSocket {
  private socket: Socket | undefined;
  private webSocket: ClientWebSocket | undefined;
  private closeCode: number | undefined;
  private isRestarting = false;
  /** Whether the session of the socket ended. */
  hasEnded = false;
  /** Whether a newer socket has the connection id of this socket. */
  isTaken = false;
  /** The node of the previous opening, if that node has died or has not returned its unconfirmed events. */
  nodeBefore: string | undefined;
  /** Whether the socket took over from an opening that may still return deliveries. */
  isTakeOver = false;

  constructor(
    readonly key: Opening,
    readonly session: Session,
    readonly tcp: TcpSocket,
    readonly local: LocalSocket,
  ) {}

  /** Connects the socket to its client, which has sent CONNECT. From now on, a disconnect of Socket.IO closes the connection. */
  attach(socket: Socket, webSocket: ClientWebSocket): void {
    this.socket = socket;
    this.webSocket = webSocket;
    webSocket.prependOnceListener('close', (code: number) => (this.closeCode = code));
    webSocket.confirms = this.local;
    socket.once('disconnect', () => {
      socket.conn.close();
      destroySoon(this.tcp);
    });
    this.local.attach(socket, webSocket);
    if (this.hasEnded) this.endSession();
    if (this.isTaken) this.disconnect();
  }

  /** Sends that the session is over, and closes the socket so that Socket.IO clients do not reconnect by themselves. */
  endSession(): void {
    this.hasEnded = true;
    if (this.socket === undefined) return; // the admission of this socket reads `hasEnded`
    this.socket.emit(sessionInvalidEvent);
    this.disconnect();
  }

  /** Stops writing to the client, because a newer socket has the connection id of this socket. */
  takeOver(): void {
    this.isTaken = true;
    this.local.stop();
  }

  /** Closes the socket so that Socket.IO clients do not reconnect by themselves. */
  disconnect(): void {
    if (this.socket === undefined) this.tcp.destroy();
    this.socket?.disconnect(true);
    destroySoon(this.tcp);
  }

  /** Closes the socket with a code upon which clients reconnect at once. Nothing is written after the close frame. */
  restart(): void {
    this.isRestarting = true;
    this.local.stop();
    if (this.webSocket === undefined) this.tcp.destroy();
    this.webSocket?.close(serviceRestart, 'service restart');
    destroySoon(this.tcp);
  }

  /** The events that the client may not have received. `reason` is the disconnect reason of Socket.IO. */
  unreceived(reason: string): Unreceived {
    const hasCloseFrame = this.closeCode !== undefined && this.closeCode !== aborted;
    // A client sends its close frame after it has read ours, so it has also read everything before our frame.
    if (this.isRestarting) return this.local.unreceived(hasCloseFrame ? 'confirmed' : 'aborted');
    // Socket.IO clients send DISCONNECT first. A client that sends only a close frame has received nothing from us for too long,
    // perhaps because it was suspended. It has not read the events that were sent meanwhile.
    const hasLeftPage = reason === 'transport close' && this.closeCode === goingAway && !this.isTaken;
    const isClosedByClient = reason === 'client namespace disconnect' || hasLeftPage;
    return this.local.unreceived(isClosedByClient ? 'closed' : 'aborted');
  }
}
