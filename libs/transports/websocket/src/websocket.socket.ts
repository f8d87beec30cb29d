import type { Delivery } from '@pns/transport-contract';
import type { Socket } from 'socket.io';
import type { Backlog } from './websocket.backlog';
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

/**
 * One client's socket at this node. Events that are sent before the client's CONNECT wait for it, because other processes
 * know the socket from its handshake on.
 */
export class LocalSocket {
  private early: EncodedEvent[] = [];
  private socket: Socket | undefined;
  /** When something was last sent to it, in ms since the epoch. */
  sentAt = 0;

  constructor(
    readonly options: LocalSocketOptions,
    private readonly backlog: Backlog,
  ) {}

  /** Whether the client has sent its CONNECT. */
  get isAttached(): boolean {
    return this.socket !== undefined;
  }

  /** Whether the client read too slowly. */
  get isCutOff(): boolean {
    return this.backlog.isExceeded;
  }

  /** Connects it to the client and sends the events that waited. */
  attach(socket: Socket): void {
    const { early } = this;
    this.early = [];
    this.backlog.release();
    this.socket = socket;
    for (const event of early) this.write(event);
  }

  /** Sends it before this turn of the event loop is over. */
  send(delivery: Delivery): void {
    const event = encodedEvent(frameOf(delivery, this.options.wantsMeta));
    if (outbox.push([this, event]) === 1) queueMicrotask(emptyOutbox);
  }

  /** Sends the event that tells the client to fetch afresh, because it missed notifications that nobody kept. */
  tellMissed(): void {
    this.write(encodedEvent([missedEvent]));
  }

  /**
   * Hands Engine.IO the finished frame, as Socket.IO's own adapter does when it broadcasts. Socket.IO would make the frame in
   * steps and in two buffers, which costs as much again as writing it.
   */
  write({ packet, frame }: EncodedEvent): void {
    if (this.isCutOff) return;
    this.sentAt = Date.now();
    if (this.socket === undefined) {
      this.early.push({ packet, frame });
      this.backlog.hold(frame.length);
      return;
    }
    const options: object = { wsPreEncodedFrame: [frame] };
    this.socket.conn.write(packet, options);
    this.backlog.check();
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
