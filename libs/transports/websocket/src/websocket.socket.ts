import type { Socket as TcpSocket } from 'node:net';
import type { Delivery } from '@pns/transport-contract';
import type { Socket } from 'socket.io';
import { type EncodedEvent, encodedEvent, frameOf, missedEvent } from './websocket.payload';

/** Whose socket, and what it asked for. */
export interface LocalSocketOptions {
  readonly context: number;
  readonly user: number;
  readonly client: string;
  readonly connection: string;
  /** Whether the connection id was made up by the server. */
  readonly isAnonymous: boolean;
  /** Whether each notification is to come with its id, time and count. */
  readonly wantsMeta: boolean;
}

/** Bytes that may wait for a reader; one that is slower is cut off, because memory is everybody's. */
export const maxBacklogBytes = 1024 * 1024;

/**
 * One client's socket at this node. What is sent before the client has said CONNECT waits for it, because others may
 * know of the socket from the moment it was let in.
 */
export class LocalSocket {
  private early: EncodedEvent[] = [];
  private socket: Socket | undefined;
  /** Bytes that wait for the client's CONNECT, or that Engine.IO holds back until TCP takes more. */
  private heldBytes = 0;
  /** Whether it read too slowly; what waited for it is lost. */
  isCutOff = false;
  /** When something was last sent to it, in ms since the epoch. */
  sentAt = 0;

  constructor(
    readonly options: LocalSocketOptions,
    private readonly tcp: TcpSocket,
  ) {}

  /** Whether the client has said CONNECT. */
  get isAttached(): boolean {
    return this.socket !== undefined;
  }

  /** Connects it to the client and sends what was waiting. */
  attach(socket: Socket): void {
    const { early } = this;
    this.early = [];
    this.heldBytes = 0;
    this.socket = socket;
    for (const event of early) this.write(event);
  }

  /** Sends it before anything else of this turn of the event loop is over. */
  send(delivery: Delivery): void {
    const event = encodedEvent(frameOf(delivery, this.options.wantsMeta));
    if (outbox.push([this, event]) === 1) queueMicrotask(emptyOutbox);
  }

  /** Tells the client that it missed something that is not to be had any more; it does well to fetch afresh. */
  tellMissed(): void {
    this.write(encodedEvent([missedEvent]));
  }

  /**
   * Hands Engine.IO the finished frame, as Socket.IO's own adapter does when it broadcasts: making it in Socket.IO's steps, in
   * two buffers, costs as much again as writing it.
   */
  write({ packet, frame }: EncodedEvent): void {
    if (this.isCutOff) return;
    this.sentAt = Date.now();
    if (this.socket === undefined) {
      this.early.push({ packet, frame });
      this.heldBytes += frame.length;
    } else {
      const { conn } = this.socket;
      if (!conn.transport.writable) {
        if (this.heldBytes === 0) conn.once('drain', () => (this.heldBytes = 0));
        this.heldBytes += frame.length;
      }
      const options: object = { wsPreEncodedFrame: [frame] };
      conn.write(packet, options);
    }
    if (this.heldBytes + this.tcp.writableLength <= maxBacklogBytes) return;
    this.isCutOff = true;
    this.early = [];
    this.tcp.destroy(); // a close frame would only queue up behind the rest
  }
}

/**
 * What is to be written next. All deliveries of a job are written in one go: a reader that is woken up by the first write is still
 * reading when the others come, and need not be woken up for each, which had taken as long as writing.
 */
const outbox: [LocalSocket, EncodedEvent][] = [];

function emptyOutbox(): void {
  for (const [socket, event] of outbox.splice(0)) socket.write(event);
}
