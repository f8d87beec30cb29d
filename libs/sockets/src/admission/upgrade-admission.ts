import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import { Injectable, type BeforeApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { WebsocketClients } from '../emit/websocket.clients';
import { PnsError, requestFault } from '@pns/runtime';
import { Backlog } from '../emit/backlog';
import type { Server as Engine, Socket as EngineSocket } from 'engine.io';
import { countCut, type ClientWebSocket } from '../emit/client-web-socket';
import { readHandshake, sessionMissing, unknownPath } from './handshake';
import { passOn } from './pass-on';
import type { OpenSocket } from './open-socket';
import { SocketAdmission, type ClientConnection } from './socket-admission';
import { ConnectionTakeOver } from '../mailbox/connection-take-over';
import { refusalReason, refuseUpgrade } from './refusal';
import { UnauthenticatedConnections } from './unauthenticated-connections';

/** A request to upgrade, and the state of its client's admission. */
interface UpgradeRequest extends ClientConnection {
  /** Set once the client was admitted, by a session in the URL or in its CONNECT. */
  socket?: OpenSocket;
  /** Whether the client's CONNECT is in progress or was accepted. */
  isConnecting?: boolean;
}

/** All sockets together have this long to close when the node stops, in ms. */
const closeAllWithinMs = 2000;

/**
 * Handles requests to upgrade, for every path of `websocket-clients.yml`. It passes accepted requests to Engine.IO, and answers
 * refused requests with the reason.
 */
@Injectable()
export class UpgradeAdmission implements OnModuleDestroy, BeforeApplicationShutdown {
  private readonly requests = new WeakMap<IncomingMessage, UpgradeRequest>();
  private readonly connections = new Set<TcpSocket>();
  private isClosed = false;

  constructor(
    private readonly clients: WebsocketClients,
    private readonly admission: SocketAdmission,
    private readonly unauthenticated: UnauthenticatedConnections,
    private readonly takeOvers: ConnectionTakeOver,
  ) {}

  /** Passes the Web Sockets of `server` to `engine`. */
  attach(server: HttpServer, engine: Engine): void {
    this.unauthenticated.watch(server);
    server.on('upgrade', (request: IncomingMessage, tcp: TcpSocket, head: Buffer) => {
      this.accept(request, tcp, this.track(tcp)).then(
        () => passOn(engine, request, tcp, head),
        (error: unknown) => refuseUpgrade(tcp, refusalReason(error)),
      );
    });
    engine.on('connection', (conn: EngineSocket) => this.guard(conn));
  }

  /** The state of the admission for this request; undefined without a valid handshake. */
  upgradeOf(request: IncomingMessage): UpgradeRequest | undefined {
    return this.requests.get(request);
  }

  /**
   * Handles a CONNECT. Admits the client, unless a session in the URL has admitted it before.
   *
   * @throws PnsError `CONNECT_REPEATED`, `SESSION_MISSING`, or an error of `SocketAdmission.admit`. The client may repeat its CONNECT.
   */
  async connect(upgrade: UpgradeRequest, token: unknown): Promise<void> {
    if (upgrade.isConnecting === true)
      throw new PnsError('CONNECT_REPEATED', 'This socket has sent its CONNECT already.');
    upgrade.isConnecting = true;
    try {
      if (upgrade.socket !== undefined) return;
      if (typeof token !== 'string' || token === '') throw sessionMissing();
      await this.admit(upgrade, token);
    } catch (error) {
      upgrade.isConnecting = false;
      throw error;
    }
  }

  /** Notes that the CONNECT was accepted. */
  connected({ tcp }: UpgradeRequest): void {
    this.unauthenticated.connected(tcp);
  }

  /** Refuses new upgrades, then closes every socket with a code upon which clients reconnect. */
  async onModuleDestroy(): Promise<void> {
    this.isClosed = true;
    for (const socket of [...this.admission.sockets()]) socket.restart();
    await this.allClosed();
  }

  /** Waits until the registry has noted all closed sockets. In `onModuleDestroy`, admissions may still wait for Redis. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.admission.pendingClosings();
  }

  private guard(conn: EngineSocket): void {
    const { websocket } = conn.request as IncomingMessage & { websocket?: ClientWebSocket };
    const upgrade = this.requests.get(conn.request);
    if (websocket === undefined || upgrade === undefined) throw new Error('A socket was opened without a handshake.');
    websocket.guard(conn, upgrade.tcp, upgrade.backlog);
  }

  /** A function of its own, so that its listeners do not keep the request. */
  private track(tcp: TcpSocket): Backlog {
    tcp.on('error', () => undefined); // `close` follows
    this.connections.add(tcp);
    const backlog = new Backlog(tcp);
    tcp.on('close', () => {
      this.connections.delete(tcp);
      if (backlog.isExceeded) countCut('backlog');
    });
    return backlog;
  }

  private async accept(request: IncomingMessage, tcp: TcpSocket, backlog: Backlog): Promise<void> {
    this.unauthenticated.check(request, tcp);
    if (this.isClosed) throw new PnsError('UNAVAILABLE', 'This node is stopping; connect again to reach another one.');
    const fault = requestFault(request);
    if (fault !== undefined) throw new PnsError('REQUEST_MALFORMED', fault);
    const handshake = readHandshake(request.url ?? '');
    if (this.clients.clientAt(handshake.path) === undefined) throw unknownPath();
    const upgrade: UpgradeRequest = { handshake, tcp, backlog };
    this.requests.set(request, upgrade);
    if (handshake.session !== undefined) await this.admit(upgrade, handshake.session);
  }

  private async admit(upgrade: UpgradeRequest, token: string): Promise<void> {
    const [socket, takenFrom] = await this.admission.admit(upgrade, token);
    if (takenFrom !== undefined) void this.takeOvers.announce(socket.key, takenFrom);
    upgrade.socket = socket;
    this.unauthenticated.authenticated(upgrade.tcp);
    // A close after CONNECT is not handled here, because Socket.IO reports it with its reason.
    upgrade.tcp.on('close', () => {
      if (!socket.local.isAttached) this.admission.leave(socket, 'transport close');
    });
    if (this.isClosed) socket.restart();
  }

  private async allClosed(): Promise<void> {
    const deadline = Date.now() + closeAllWithinMs;
    while (this.connections.size > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const tcp of this.connections) tcp.destroy();
    while (this.connections.size > 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
