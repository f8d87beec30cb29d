import type { Socket as TcpSocket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { handOver } from '@pns/delivery';
import { Presence, socketNodeGroup, WebsocketClients, type Missed, type Opening, type SocketKey } from '@pns/presence';
import { Queues, socketNodeQueue } from '@pns/queue';
import { log, metrics, PnsError } from '@pns/runtime';
import { isEndOf, SessionTokens, type Session, type SessionEnd } from '@pns/sessions';
import { LocalSocket, LocalSockets, socketToken, type Backlog } from '@pns/transport-websocket';
import { Gauge } from 'prom-client';
import type { Handshake } from './handshake';
import { unknownPath } from './handshake';
import { NodeId } from './node-id';
import { OpenSocket } from './open-socket';

const openSockets = new Gauge({ name: 'pns_open_sockets', help: 'Sockets that are open.', registers: [metrics] });

/** A client waits this long for Redis to let it in, in ms. */
const admissionTimeoutMs = 5000;

/** A client that shows its session. */
interface Arriving {
  readonly handshake: Handshake;
  readonly tcp: TcpSocket;
  readonly backlog: Backlog;
}

/** Lets clients in and sees them off: the one place where sockets, sessions and presence are brought together. */
@Injectable()
export class Reception {
  private readonly bySession = new Map<string, Set<OpenSocket>>();
  private readonly entered = new Set<OpenSocket>();
  private readonly goodbyes = new Set<Promise<void>>();

  constructor(
    private readonly node: NodeId,
    private readonly clients: WebsocketClients,
    private readonly sessions: SessionTokens,
    private readonly presence: Presence,
    private readonly cascade: ConfigCascade,
    private readonly queues: Queues,
    private readonly locals: LocalSockets,
  ) {}

  /** Everyone who was let in, and who is being let in right now. */
  *everyone(): IterableIterator<OpenSocket> {
    for (const sockets of this.bySession.values()) yield* sockets;
  }

  /** Everyone whom presence knows to be here. */
  inside(): ReadonlySet<OpenSocket> {
    return this.entered;
  }

  /** The sessions that matter here. */
  openSessions(): Session[] {
    return [...this.bySession.values()].flatMap(([socket]) => socket?.session ?? []);
  }

  /** Closes the sockets whose session ended. */
  endSessions(end: SessionEnd): void {
    const sockets = 'id' in end ? (this.bySession.get(end.id) ?? []) : this.everyone();
    for (const socket of [...sockets]) if (isEndOf(end, socket.session)) socket.endSession();
  }

  /**
   * Lets a client in.
   *
   * @throws PnsError `PATH_UNKNOWN`, `SESSION_INVALID`, `SESSION_ENDED`, `SESSION_OF_OTHER_CLIENT`,
   *   `CONNECTION_DUPLICATE`, `SOCKETS_TOO_MANY`; any other error when Redis cannot be asked
   */
  async admit({ handshake, tcp, backlog }: Arriving, token: string): Promise<OpenSocket> {
    const client = this.clients.clientAt(handshake.path);
    if (client === undefined) throw unknownPath();
    const session = await this.sessions.read(token);
    if (session.client !== undefined && session.client !== client) {
      throw new PnsError('SESSION_OF_OTHER_CLIENT', `The session is for the client ${session.client} only.`);
    }
    const { context, user } = session;
    const { connection, isAnonymous, wantsMeta } = handshake;
    const local = new LocalSocket({ context, user, client, connection, isAnonymous, wantsMeta }, backlog);
    const socket = new OpenSocket({ context, user, client, connection, isAnonymous }, session, tcp, local);
    // From here on its session's end is heard of, so none can slip through between this question and its answer.
    this.remember(socket);
    try {
      if ((await this.sessions.endedAmong([session])).length > 0) throw sessionEnded();
      await this.enter(socket);
    } catch (error) {
      this.leave(socket, 'not let in');
      throw error;
    }
    if (socket.hasEnded) {
      this.leave(socket, 'session ended');
      throw sessionEnded();
    }
    return socket;
  }

  /** Notes that a socket is gone, once; `reason` is Socket.IO's. */
  leave(socket: OpenSocket, reason: string): void {
    this.forget(socket);
    if (!this.entered.delete(socket)) return;
    this.locals.remove(socket.local);
    openSockets.dec();
    const awaySince = socket.local.isAttached ? undefined : socket.awaySince;
    const closing = this.presence
      .close(socket.key, this.node.id, { awaySince, hasGap: socket.mayHaveMissed(reason) })
      .catch((error: unknown) => log.warn({ event: 'socket.close-failed', err: error }))
      .finally(() => this.goodbyes.delete(closing));
    this.goodbyes.add(closing);
  }

  /** Resolves when presence knows of everyone who left. */
  async goodbyesSaid(): Promise<void> {
    await Promise.all(this.goodbyes);
  }

  /** Sends a socket what it missed while it was away. */
  async makeUp({ key, local }: OpenSocket, { deliveries, hasGap }: Missed): Promise<void> {
    if (hasGap) local.tellMissed();
    if (deliveries.length === 0) return;
    const { id } = this.node;
    const queue = { group: socketNodeGroup(this.queues.keys), name: socketNodeQueue(id), endpoint: id };
    const token = socketToken(id, key.connection);
    const addressed = deliveries.map((delivery) => ({ ...delivery, token, attempt: delivery.attempt + 1 }));
    await handOver(this.queues, [{ ...queue, deliveries: addressed }]);
  }

  private async enter(socket: OpenSocket): Promise<void> {
    await this.cascade.load([socket.key]);
    const maxPerUser = this.cascade.resolve('com.openexchange.websockets.maxPerUser', socket.key).value;
    const opening = await this.openWithin(admissionTimeoutMs, socket.key, maxPerUser);
    if (opening.kind === 'duplicate') {
      throw new PnsError('CONNECTION_DUPLICATE', 'The user has an open socket with this connection id.');
    }
    if (opening.kind === 'full') {
      throw new PnsError('SOCKETS_TOO_MANY', `The user has ${maxPerUser} open sockets already, and may have no more.`);
    }
    socket.awaySince = opening.awaySince;
    this.entered.add(socket);
    this.locals.add(socket.local);
    openSockets.inc();
    await this.makeUp(socket, opening.missed);
    if (socket.tcp.destroyed) this.leave(socket, 'transport close');
  }

  /** A socket that Redis opens too late, when its client was sent away, is closed again. */
  private async openWithin(timeoutMs: number, key: SocketKey, maxPerUser: number): Promise<Opening> {
    if (this.queues.redis.status !== 'ready') throw new Error('Redis is out of reach');
    const opening = this.presence.open(key, this.node.id, maxPerUser);
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`Redis did not answer within ${timeoutMs} ms`));
        opening.then((late) => this.closeLate(key, late)).catch(() => undefined);
      }, timeoutMs);
    });
    return Promise.race([opening, tooLate]).finally(() => clearTimeout(timer));
  }

  private async closeLate(key: SocketKey, opening: Opening): Promise<void> {
    if (opening.kind !== 'open') return;
    const { awaySince, missed } = opening;
    await this.presence.close(key, this.node.id, { awaySince, hasGap: missed.hasGap });
  }

  private remember(socket: OpenSocket): void {
    const { id } = socket.session;
    this.bySession.set(id, (this.bySession.get(id) ?? new Set()).add(socket));
  }

  private forget(socket: OpenSocket): void {
    const { id } = socket.session;
    const sockets = this.bySession.get(id);
    sockets?.delete(socket);
    if (sockets?.size === 0) this.bySession.delete(id);
  }
}

function sessionEnded(): PnsError {
  return new PnsError('SESSION_ENDED', 'The session has ended; a new one is needed.');
}

/** Whether a session's time is over. */
export function isOver({ expiresAt }: Session, now = Date.now()): boolean {
  return Date.parse(expiresAt) <= now;
}
