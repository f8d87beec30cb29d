import type { Socket as TcpSocket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { ConfigCascade, PropertyLoader } from '@pns/config-cascade';
import { mailboxLimits, SocketForwarding } from '../mailbox/socket-forwarding';
import { Mailboxes, type Missed } from '../mailbox/mailboxes';
import { SocketRegistry, type Opened } from '../registry/socket-registry';
import { WebsocketClients } from '../emit/websocket.clients';
import type { Opening } from '../registry/socket-keys';
import { Queues } from '@pns/queue';
import { log, metrics, PnsError, RecurringFault } from '@pns/runtime';
import { isEndOf, SessionTokens, type Session, type SessionEnd } from '@pns/sessions';
import { LocalSocket } from '../emit/local-socket';
import { LocalSockets } from '../emit/local-sockets';
import type { Backlog } from '../emit/backlog';
import { Gauge } from 'prom-client';
import { type Handshake, unknownPath } from './handshake';
import { NodeId } from '../registry/node-id';
import { OpenSocket } from './open-socket';
import { admissionWorks } from './refusal';

const openSockets = new Gauge({ name: 'pns_open_sockets', help: 'Sockets that are open.', registers: [metrics] });

/** A client is refused if Redis does not answer within this time, in ms. */
const admissionTimeoutMs = 5000;

const nothing: Missed = { deliveries: [], hasGap: false };

/** The connection of a client that requests a socket. */
export interface ClientConnection {
  readonly handshake: Handshake;
  readonly tcp: TcpSocket;
  readonly backlog: Backlog;
}

/** Admits clients and registers their sockets. Only this class combines sockets, sessions and the registry. */
@Injectable()
export class SocketAdmission {
  private readonly bySession = new Map<string, Set<OpenSocket>>();
  private readonly registeredSockets = new Set<OpenSocket>();
  private readonly closings = new Set<Promise<void>>();
  private openings = 0;
  /** An admission reads only limits from properties, so it does not need Postgres. */
  private readonly properties: PropertyLoader;

  constructor(
    private readonly node: NodeId,
    private readonly clients: WebsocketClients,
    private readonly sessions: SessionTokens,
    private readonly registry: SocketRegistry,
    private readonly mailboxes: Mailboxes,
    private readonly cascade: ConfigCascade,
    private readonly queues: Queues,
    private readonly locals: LocalSockets,
    private readonly forwarding: SocketForwarding,
  ) {
    const fault = new RecurringFault('socket.properties-not-loaded', 'socket.properties-loaded');
    this.properties = new PropertyLoader(cascade, fault);
  }

  /** Every admitted socket, and every socket whose admission is in progress. */
  *sockets(): IterableIterator<OpenSocket> {
    for (const sockets of this.bySession.values()) yield* sockets;
  }

  /** Every socket that the registry has at this node. */
  registered(): ReadonlySet<OpenSocket> {
    return this.registeredSockets;
  }

  /** The sessions of all sockets that `sockets` returns. */
  openSessions(): Session[] {
    return [...this.bySession.values()].flatMap(([socket]) => socket?.session ?? []);
  }

  /** Closes the sockets whose session ended. */
  endSessions(end: SessionEnd): void {
    const sockets = 'id' in end ? (this.bySession.get(end.id) ?? []) : this.sockets();
    for (const socket of [...sockets]) if (isEndOf(end, socket.session)) socket.endSession();
  }

  /**
   * Admits a client. Returns its socket, and the opening that it took over from, if any.
   *
   * @throws PnsError `PATH_UNKNOWN`, `SESSION_INVALID`, `SESSION_ENDED`, `SESSION_OF_OTHER_CLIENT`,
   *   `CONNECTION_DUPLICATE`, `SOCKETS_TOO_MANY`; any other error if Redis does not answer
   */
  async admit({ handshake, tcp, backlog }: ClientConnection, token: string): Promise<[OpenSocket, TakenFrom?]> {
    const client = this.clients.clientAt(handshake.path);
    if (client === undefined) throw unknownPath();
    const session = await this.sessions.read(token);
    if (session.client !== undefined && session.client !== client) {
      throw new PnsError('SESSION_OF_OTHER_CLIENT', `The session is for the client ${session.client} only.`);
    }
    const { context, user } = session;
    const { connection, isAnonymous, wantsMeta } = handshake;
    await this.properties.load([session]);
    const key = { context, user, client, connection, isAnonymous, session: session.id, opening: `${++this.openings}` };
    const limits = mailboxLimits(this.cascade, key);
    const local = new LocalSocket({ context, user, client, connection, isAnonymous, wantsMeta, limits }, backlog);
    const socket = new OpenSocket(key, session, tcp, local);
    // From here on the end of the session closes the socket, even if the session ends between the next query and its answer.
    this.remember(socket);
    try {
      if ((await this.sessions.endedAmong([session])).length > 0) throw sessionEnded();
      const takenFrom = await this.register(socket);
      if (socket.hasEnded) throw sessionEnded();
      return [socket, takenFrom];
    } catch (error) {
      this.leave(socket, 'refused');
      throw error;
    }
  }

  /** Whether the properties of the socket's user are known. Loads them if necessary. Never rejects. */
  async knowsProperties({ key }: OpenSocket): Promise<boolean> {
    await this.properties.load([key]);
    return this.cascade.scopesOf(key) !== undefined;
  }

  /** Removes a socket that closed. Safe to repeat. `reason` is the disconnect reason of Socket.IO, or one of ours. */
  leave(socket: OpenSocket, reason: string): void {
    this.forget(socket);
    if (!this.registeredSockets.delete(socket)) return;
    this.locals.remove(socket.local);
    openSockets.dec();
    socket.local.stop();
    this.returnToMailbox(socket, socket.unreceived(reason));
  }

  /** Puts the deliveries that the client of a closed socket has not received into the socket's mailbox. */
  returnToMailbox(socket: OpenSocket, missed: Missed): void {
    const closing = this.close(socket, missed)
      .catch((error: unknown) => log.warn({ event: 'socket.close-failed', err: error }))
      .finally(() => this.closings.delete(closing));
    this.closings.add(closing);
  }

  /** Resolves when the registry has noted every socket that closed. */
  async pendingClosings(): Promise<void> {
    while (this.closings.size > 0) await Promise.all(this.closings);
  }

  /** The socket of this opening, if this node holds it. */
  find({ context, user, connection, opening }: Pick<Opening, 'context' | 'user' | 'connection' | 'opening'>) {
    for (const socket of this.registeredSockets) {
      const { key } = socket;
      const isSame = key.connection === connection && key.opening === opening;
      if (isSame && key.user === user && key.context === context) return socket;
    }
    return undefined;
  }

  private async register(socket: OpenSocket): Promise<TakenFrom | undefined> {
    const maxPerUser = this.cascade.resolve('com.openexchange.websockets.maxPerUser', socket.key).value;
    const opened = await this.openWithin(admissionTimeoutMs, socket.key, maxPerUser);
    if (opened.kind === 'duplicate') {
      throw new PnsError('CONNECTION_DUPLICATE', 'Another session of the user has a socket with this connection id.');
    }
    if (opened.kind === 'full') {
      throw new PnsError('SOCKETS_TOO_MANY', `The user has ${maxPerUser} open sockets already, and may have no more.`);
    }
    socket.local.isBehind = opened.isBehind;
    socket.nodeBefore = opened.takenFrom?.node ?? opened.deadNode;
    socket.isTakeOver = opened.takenFrom !== undefined;
    this.registeredSockets.add(socket);
    this.locals.add(socket.local);
    openSockets.inc();
    admissionWorks();
    if (socket.tcp.destroyed) this.leave(socket, 'transport close');
    return opened.takenFrom;
  }

  /** Opens a socket in the registry. If Redis answers too late, the client is refused, and the socket is closed again. */
  private async openWithin(timeoutMs: number, key: Opening, maxPerUser: number): Promise<Opened> {
    if (this.queues.redis.status !== 'ready') throw new Error('Redis is not connected');
    const opening = this.registry.open(key, this.node.id, maxPerUser);
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`Redis did not answer within ${timeoutMs} ms`));
        opening.then((late) => this.closeLate(key, late)).catch(() => undefined);
      }, timeoutMs);
    });
    return Promise.race([opening, tooLate]).finally(() => clearTimeout(timer));
  }

  private async closeLate(key: Opening, opened: Opened): Promise<void> {
    if (opened.kind === 'open')
      await this.mailboxes.close(key, this.node.id, nothing, mailboxLimits(this.cascade, key));
  }

  /**
   * Closes a socket in the registry. If another opening has collected the mailbox already, sends the deliveries to the node of
   * that opening.
   */
  private async close({ key }: OpenSocket, missed: Missed): Promise<void> {
    const node = await this.mailboxes.close(key, this.node.id, missed, mailboxLimits(this.cascade, key));
    if (node === undefined || missed.deliveries.length === 0) return;
    const token = `${node} ${key.connection}`;
    await this.forwarding.sendBack(missed.deliveries.map((one) => ({ ...one, token, attempt: one.attempt + 1 })));
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

/** The opening that a socket took over from. */
export type TakenFrom = NonNullable<Extract<Opened, { kind: 'open' }>['takenFrom']>;

function sessionEnded(): PnsError {
  return new PnsError('SESSION_ENDED', 'The session has ended; a new one is needed.');
}

/** Whether a session has expired. */
export function isOver({ expiresAt }: Session, now = Date.now()): boolean {
  return Date.parse(expiresAt) <= now;
}
