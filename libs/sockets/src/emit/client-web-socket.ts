import type { Socket as TcpSocket } from 'node:net';
import { declareCounter, log } from '@pns/runtime';
import { InboundLimit } from './inbound-limit';
import type { Backlog } from './backlog';
import type { Socket as EngineSocket } from 'engine.io';
import { WebSocket, WebSocketServer, type ServerOptions } from 'ws';

/** Faults of a client for which its socket is closed. */
const faults = {
  /** More frames or bytes than `inboundLimits`. Close code: RFC 6455, 7.4.1, policy violation. */
  flood: 1008,
  /** A binary message. Close code: unsupported data. */
  binary: 1003,
  /** More than `maxBacklogBytes` waited for the client to read. There is no code, because a close frame would not arrive. */
  backlog: undefined,
} as const;

type Fault = keyof typeof faults;

const cut = declareCounter({
  name: 'pns_sockets_cut_total',
  help: 'Sockets that were closed because their client sent too much, sent binary data or did not read.',
  labels: { reason: Object.keys(faults) },
});

/** The connection of a socket that was closed for any reason is destroyed after this time, in ms. */
export const closeGraceMs = 1000;

/** The maximum numbers of fragments of a client's message, and of chunks of an incomplete fragment. */
const [maxFragments, maxBufferedChunks] = [16, 64];

/** A Web Socket that limits how much its client sends, and how much waits for the client to read. */
export class ClientWebSocket extends WebSocket {
  private inbound: InboundLimit | undefined;
  private backlog: Backlog | undefined;
  private tcp: TcpSocket | undefined;
  private conn: EngineSocket | undefined;
  /** Recognizes answers to our pings, which the inbound limit does not count. */
  confirms: { confirmWith(payload: Buffer): boolean } | undefined;
  private isAnswering = false;
  private latestPing: Buffer | undefined;

  /** Starts to limit the client, which can have sent only one chunk before. */
  guard(conn: EngineSocket, tcp: TcpSocket, backlog: Backlog): void {
    [this.conn, this.tcp, this.backlog] = [conn, tcp, backlog];
    this.inbound = new InboundLimit(performance.now(), tcp.bytesRead);
    backlog.watch(conn);
    this.prependListener('message', onMessage).on('message', onMessageRead).on('ping', onPing).on('pong', onPong);
  }

  /**
   * Counts a frame that the client sent. Returns whether the frame may be answered. Frames also count while the socket is
   * closing, because they are read until the connection is destroyed.
   */
  takes(isBinary = false): boolean {
    const { inbound, tcp } = this;
    if (inbound === undefined || tcp === undefined || this.isPaused) return false;
    if (isBinary) return this.cut('binary');
    if (!inbound.allows(performance.now(), tcp.bytesRead)) return this.cut('flood');
    this.backlog?.check();
    return this.readyState === WebSocket.OPEN;
  }

  /** Destroys the connection if Engine.IO closes it after an invalid packet. Engine.IO would wait until the client reads. */
  endIfClosing(): void {
    if (this.conn?.readyState !== 'open' && this.tcp !== undefined && !this.isPaused) destroySoon(this.tcp);
  }

  /**
   * Answers a ping once TCP has taken the answer to the previous ping. Of pings that wait it answers only the latest one, which
   * RFC 6455 (5.5.3) allows, so that at most one answer waits for a client that does not read.
   */
  answerPing(data: Buffer): void {
    if (this.isAnswering) {
      this.latestPing = data;
      return;
    }
    this.isAnswering = true;
    this.pong(data, false, () => {
      const next = this.latestPing;
      this.latestPing = undefined;
      this.isAnswering = false;
      if (next !== undefined && this.readyState === WebSocket.OPEN) this.answerPing(next);
    });
  }

  private cut(reason: Fault): false {
    countCut(reason);
    this.close(faults[reason]);
    this.pause();
    if (this.tcp !== undefined) destroySoon(this.tcp);
    return false;
  }
}

/** Makes each `ClientWebSocket` for Engine.IO, without compression and without automatic pongs. */
export class ClientWebSocketServer extends WebSocketServer<typeof ClientWebSocket> {
  constructor(options: ServerOptions<typeof ClientWebSocket>) {
    const limits = { autoPong: false, closeTimeout: closeGraceMs, maxFragments, maxBufferedChunks };
    super({ ...options, ...limits, perMessageDeflate: false, WebSocket: ClientWebSocket });
  }
}

/** Counts and logs a socket that is closed for a fault of its client. */
export function countCut(reason: Fault): void {
  cut.inc({ reason });
  log.debug({ event: 'socket.cut', reason });
}

/** Destroys a closing connection after `closeGraceMs`, whether or not the client answers the close frame. */
export function destroySoon(tcp: TcpSocket): void {
  setTimeout(() => tcp.destroy(), closeGraceMs).unref();
}

// All sockets share these functions, because a closure for each socket would need memory while the socket is idle.

function onMessage(this: WebSocket, _data: unknown, isBinary: boolean): void {
  (this as ClientWebSocket).takes(isBinary);
}

function onMessageRead(this: WebSocket): void {
  (this as ClientWebSocket).endIfClosing();
}

function onPing(this: WebSocket, data: Buffer): void {
  const webSocket = this as ClientWebSocket;
  if (webSocket.takes()) webSocket.answerPing(data);
}

function onPong(this: WebSocket, data: Buffer): void {
  const webSocket = this as ClientWebSocket;
  if (webSocket.confirms?.confirmWith(data) !== true) webSocket.takes();
}
