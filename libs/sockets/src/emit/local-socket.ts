import { byAcceptance, type Delivery } from '@pns/transport-contract';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import type { Backlog } from './backlog';
import { type EncodedEvent, encodedEvent, frameOf, missedEvent, pingFrame } from './websocket.payload';
import { Repeats } from './repeats';
import { Unconfirmed, type Sent, type UnconfirmedLimits, type Unreceived } from './unconfirmed';

/** The user of a socket, and the parameters of its handshake. */
interface LocalSocketOptions {
  readonly context: number;
  readonly user: number;
  readonly client: string;
  readonly connection: string;
  /** Whether the server generated the connection id. */
  readonly isAnonymous: boolean;
  /** Whether the client receives the id, time and count of each notification. */
  readonly wantsMeta: boolean;
  /** How many events are stored until the client confirms them. */
  readonly limits: UnconfirmedLimits;
}

/**
 * A client confirms events with the pong to a ping. `pingBurst` pings may be sent without a pause, further pings every
 * `pingPauseMs`. While a ping has no answer, or the node has sent `pingsPerSecond`, the next ping is sent with the first event
 * after `longPingPauseMs`, or without an event after `lonePingPauseMs`. Times in ms.
 */
const [pingBurst, pingPauseMs, longPingPauseMs, lonePingPauseMs] = [5, 20, 1000, 1250];

/** Maximum number of pings that a node sends in a second, except pings after `longPingPauseMs`. */
const pingsPerSecond = 500;

/** When a client closes, it may not have read events that were sent in its last two round trips plus this time, in ms. */
const closingSlackMs = 50;
/** The assumed round trip of a client that has not confirmed anything yet, in ms. */
const likelyRoundTripMs = 500;

/** About how many bytes of missed events are written at once. The next ones are written when TCP has accepted these bytes. */
const chunkBytes = 128 * 1024;

interface QueuedEvent {
  readonly sent: Sent;
  readonly event: EncodedEvent;
}

/**
 * One client's socket at this node. Events that are sent before the client's CONNECT wait for it, because the registry has the
 * socket from its handshake on. Events that are sent while the socket is behind wait too, because missed events come first.
 */
export class LocalSocket {
  private early: QueuedEvent[] = [];
  private socket: Socket | undefined;
  private webSocket: WebSocket | undefined;
  private unconfirmed: Unconfirmed | undefined;
  private isStopped = false;
  /** The latest ping: the number of the event before it, its time (monotonic, in ms), and how many more could follow at once. */
  private pinged = { number: 0, at: -Infinity, left: pingBurst };
  /** The number of the latest event that the client confirmed. */
  private confirmed = 0;
  private roundTripMs: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isDraining = false;
  /** Events in the outbox. */
  private queued = 0;
  /** Whether the socket must receive missed events before all other events. */
  isBehind = false;
  private readonly repeats = new Repeats();

  constructor(
    readonly options: LocalSocketOptions,
    private readonly backlog: Backlog,
  ) {}

  /** Whether the client has sent its CONNECT. */
  get isAttached(): boolean {
    return this.socket !== undefined;
  }

  /** Connects this socket to its client, and sends the events that waited, unless it is behind. */
  attach(socket: Socket, webSocket: WebSocket): void {
    this.socket = socket;
    this.webSocket = webSocket;
    if (!this.isBehind) this.release();
  }

  /**
   * Sends a delivery at the end of this turn of the event loop. All deliveries of the turn are sent in the order of acceptance.
   * Does nothing if another delivery has sent the same notification to this socket.
   */
  send(delivery: Delivery): void {
    if (this.repeats.has(delivery)) return;
    this.queued++;
    if (outbox.push({ waiting: this.prepared(delivery), socket: this }) === 1) setImmediate(emptyOutbox);
  }

  /** Sends `missedEvent`: the client missed notifications that are stored nowhere, and must fetch its data again. */
  sendMissed(): void {
    this.emit(this.gap());
    this.requestConfirmation();
  }

  /**
   * Sends the missed events and then the events that arrived meanwhile, in the order of acceptance, as fast as the client reads.
   * Resolves once all is written or the socket is closed.
   */
  async catchUp({ deliveries, hasGap }: Unreceived): Promise<void> {
    const missed = deliveries
      .filter((delivery) => !this.repeats.has(delivery))
      .map((delivery) => this.prepared(delivery));
    this.early = [...(hasGap ? [this.gap()] : []), ...[...missed, ...this.early].sort(inTurn)];
    while (this.early.length > 0 && !this.isOver) {
      let bytes = 0;
      const upTo = this.early.findIndex(({ event }) => (bytes += event.frame.length) > chunkBytes) + 1;
      for (const waiting of this.early.splice(0, upTo === 0 ? this.early.length : upTo)) this.write(waiting);
      this.requestConfirmation();
      await this.written();
    }
    this.isBehind = false;
    this.release();
  }

  /** Writes nothing more. Events that are sent from now on count as not received. */
  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  /** Handles a pong. Returns whether it answers a ping of ours for the first time. */
  confirmWith(payload: Buffer): boolean {
    const number = payload.length === 4 ? payload.readUInt32BE() : 0;
    if (number <= this.confirmed || number > this.pinged.number) return false;
    if (number === this.pinged.number) this.roundTripMs = performance.now() - this.pinged.at;
    this.confirmed = number;
    this.unconfirmed?.confirm(number);
    clearTimeout(this.timer);
    this.timer = undefined;
    this.requestConfirmation();
    return true;
  }

  /**
   * The events that the client may not have received. A client that closed has read all but the latest events; a client that
   * confirmed our close frame has read all that was written.
   */
  unreceived(end: 'aborted' | 'closed' | 'confirmed'): Unreceived {
    if (this.unconfirmed === undefined) return { deliveries: [], hasGap: false };
    if (end === 'aborted' || this.backlog.isBuffering) return this.unconfirmed.since(0);
    if (end === 'confirmed') return this.unconfirmed.since(Infinity);
    return this.unconfirmed.since(performance.now() - 2 * (this.roundTripMs ?? likelyRoundTripMs) - closingSlackMs);
  }

  /** Asks the client to confirm all events that were written. */
  requestConfirmation(): void {
    const number = this.confirmationDue();
    if (number === undefined) return;
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32BE(number);
    this.webSocket?.ping(payload, false, ignored);
  }

  /** Returns the number of the ping that must be sent now. Schedules a ping that must wait, and then returns undefined. */
  private confirmationDue(now = performance.now()): number | undefined {
    const { unconfirmed, pinged } = this;
    if (unconfirmed === undefined || this.isDraining || this.isOver) return undefined;
    const number = unconfirmed.lastNumber;
    if (number === pinged.number) return undefined;
    if (this.backlog.isBuffering) return this.requestWhenDrained();
    const pausedMs = now - pinged.at;
    const left = Math.min(pingBurst, pinged.left + pausedMs / pingPauseMs);
    if (pausedMs < longPingPauseMs) {
      if (this.confirmed < pinged.number) return this.requestAfter(lonePingPauseMs - pausedMs);
      if (left < 1) return this.requestAfter((1 - left) * pingPauseMs);
      if (!mayPing(now)) return this.requestAfter(lonePingPauseMs - pausedMs);
    }
    clearTimeout(this.timer);
    this.timer = undefined;
    this.pinged = { number, at: now, left: left - 1 };
    return number;
  }

  private requestAfter(ms: number): undefined {
    const again = (): void => {
      this.timer = undefined;
      this.requestConfirmation();
    };
    this.timer ??= setTimeout(again, Math.ceil(ms)).unref();
  }

  /** Requests the confirmation when Engine.IO's buffer is empty, because a ping must not overtake events in it. */
  private requestWhenDrained(): undefined {
    this.isDraining = true;
    this.socket?.conn.once('drain', () => {
      this.isDraining = false;
      this.requestConfirmation();
    });
  }

  /** Writes or stores an event of the outbox. The socket's last event in the outbox is written with a ping if a ping is due. */
  emitQueued(waiting: QueuedEvent): void {
    this.emit(waiting, --this.queued === 0);
  }

  private emit(waiting: QueuedEvent, isLast = false): void {
    if (this.socket !== undefined && !this.isBehind) return this.write(waiting, isLast);
    this.early.push(waiting);
    this.backlog.add(waiting.event.frame.length);
  }

  private get isOver(): boolean {
    return this.isStopped || this.backlog.isExceeded || this.socket?.conn.readyState !== 'open';
  }

  private prepared(delivery: Delivery): QueuedEvent {
    const event = encodedEvent(frameOf(delivery, this.options.wantsMeta));
    this.unconfirmed ??= new Unconfirmed(this.options.limits);
    return { event, sent: this.unconfirmed.add(delivery, event.frame.length) };
  }

  private gap(): QueuedEvent {
    this.unconfirmed ??= new Unconfirmed(this.options.limits);
    return { event: encodedEvent([missedEvent]), sent: this.unconfirmed.add(undefined, 0) };
  }

  private release(): void {
    const { early } = this;
    this.early = [];
    this.backlog.release();
    for (const waiting of early) this.write(waiting);
    this.requestConfirmation();
  }

  /**
   * Writes a finished frame. While nothing waits for the client, the frame is written directly to TCP, because a write through
   * Engine.IO takes as long as encoding the event. A ping after the last event is part of the same write, which saves a system
   * call. Otherwise Engine.IO gets the frame, in the option that Socket.IO's adapter uses for broadcasts, and keeps the order.
   */
  private write({ sent, event: { packet, frame } }: QueuedEvent, isLast = false): void {
    if (this.isOver) return;
    const now = performance.now();
    this.unconfirmed?.wrote(sent, now);
    if (this.backlog.isIdle) {
      const ping = isLast ? this.confirmationDue(now) : undefined;
      this.backlog.write(ping === undefined ? frame : Buffer.concat([frame, pingFrame(ping)]));
      return;
    }
    const options: object = { wsPreEncodedFrame: [frame] };
    this.socket?.conn.write(packet, options);
    this.backlog.check();
    if (isLast) this.requestConfirmation();
  }

  /** Resolves when TCP has accepted all written bytes, or the connection is closed. */
  private async written(): Promise<void> {
    const conn = this.socket?.conn;
    while (conn !== undefined && !conn.transport.writable && !this.isOver) {
      await new Promise<void>((resolve) => {
        const { transport } = conn;
        const done = (): void => {
          transport.off('ready', done);
          conn.off('close', done);
          resolve();
        };
        transport.once('ready', done);
        conn.once('close', done);
      });
    }
  }
}

/** Compares events by the order of acceptance. The event about missed notifications is the first one. */
function inTurn(one: QueuedEvent, other: QueuedEvent): number {
  const [first, second] = [one.sent.delivery, other.sent.delivery];
  if (first === undefined || second === undefined) return first === second ? 0 : first === undefined ? -1 : 1;
  return byAcceptance(first, second);
}

const ignored = (): void => undefined;

const pingsLeft = { count: pingsPerSecond, at: 0 };

/** Whether the node may send one more ping. If so, counts this ping. */
function mayPing(now: number): boolean {
  const count = Math.min(pingsPerSecond, pingsLeft.count + ((now - pingsLeft.at) / 1000) * pingsPerSecond);
  pingsLeft.at = now;
  pingsLeft.count = count < 1 ? count : count - 1;
  return count >= 1;
}

/**
 * The events that are written next. Events of all jobs that arrived at once are written directly one after another: the first
 * write wakes up the client, and the client is still reading when the other events arrive. To wake up the client for each write
 * would take as long as the writes. The events are sorted, because the queue's client starts jobs that arrived at once in any
 * order.
 */
const outbox: { readonly waiting: QueuedEvent; readonly socket: LocalSocket }[] = [];

function emptyOutbox(): void {
  const queued = outbox.splice(0).sort((one, other) => inTurn(one.waiting, other.waiting));
  for (const { socket, waiting } of queued) socket.emitQueued(waiting);
}
