import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import { Injectable, type BeforeApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { WebsocketClients } from '../emit/websocket-clients.service';
import { PnsError, requestFault } from '@pns/runtime';
import { Backlog } from '../emit/backlog';
import type { Server as Engine, Socket as EngineSocket } from 'engine.io';
import { countCut, type ClientWebSocket } from '../emit/client-web-socket';
import { readHandshake, sessionMissing, unknownPath, type Handshake } from './handshake';
import type { OpenSocket } from './open-socket';
import { Reception } from './socket-admission';
import { TakeOvers } from '../mailbox/connection-take-over';
import { refusalReason, refuseUpgrade } from './refusal';
import { UnauthenticatedConnections } from './unauthenticated-connections';

/** What is known of a client by the request that it came with. */
export interface Arrival {
  readonly handshake: Handshake;
  readonly tcp: TcpSocket;
  readonly backlog: Backlog;
  /** Set once it was let in: at once by a session in the URL, or with its CONNECT. */
  socket?: OpenSocket;
  /** Whether a CONNECT is being answered, or was answered well. */
  isConnecting?: boolean;
}

/** How long everybody together has to go when the node stops, in ms. */
const farewellMs = 2000;

/**
 * Takes requests to upgrade, for every path of `websocket-clients.yml`, and passes to Engine.IO only those that may have a
 * socket, so that the others see why not in the answer to their request.
 */
@Injectable()
export class Door implements OnModuleDestroy, BeforeApplicationShutdown {
  private readonly arrivals = new WeakMap<IncomingMessage, Arrival>();
  private readonly connections = new Set<TcpSocket>();
  private isClosed = false;

  constructor(
    private readonly clients: WebsocketClients,
    private readonly reception: Reception,
    private readonly unauthenticated: UnauthenticatedConnections,
    private readonly takeOvers: TakeOvers,
  ) {}

  /** Sends the Web Sockets that arrive at `server` to `engine`. */
  open(server: HttpServer, engine: Engine): void {
    this.unauthenticated.watch(server);
    server.on('upgrade', (request: IncomingMessage, tcp: TcpSocket, head: Buffer) => {
      tcp.on('error', () => undefined); // `close` follows
      this.connections.add(tcp);
      const backlog = new Backlog(tcp);
      tcp.once('close', () => {
        this.connections.delete(tcp);
        if (backlog.isExceeded) countCut('backlog');
      });
      this.arrive(request, tcp, backlog).then(
        () => engine.handleUpgrade(request, tcp, head),
        (error: unknown) => refuseUpgrade(tcp, refusalReason(error)),
      );
    });
    engine.on('connection', (conn: EngineSocket) => this.guard(conn));
  }

  /** The client that came with this request. */
  arrivalOf(request: IncomingMessage): Arrival | undefined {
    return this.arrivals.get(request);
  }

  /**
   * Answers a CONNECT: admits a client that brings its session with it.
   *
   * @throws PnsError `CONNECT_REPEATED`, `SESSION_MISSING`, or what `Reception.admit` throws. The client may try again.
   */
  async connect(arrival: Arrival, token: unknown): Promise<void> {
    if (arrival.isConnecting === true)
      throw new PnsError('CONNECT_REPEATED', 'This socket has sent its CONNECT already.');
    arrival.isConnecting = true;
    try {
      if (arrival.socket !== undefined) return;
      if (typeof token !== 'string' || token === '') throw sessionMissing();
      await this.admit(arrival, token);
    } catch (error) {
      arrival.isConnecting = false;
      throw error;
    }
  }

  /** The CONNECT was accepted. */
  connected({ tcp }: Arrival): void {
    this.unauthenticated.connected(tcp);
  }

  /** Closes the door, then every socket with the hint to come back. */
  async onModuleDestroy(): Promise<void> {
    this.isClosed = true;
    for (const socket of [...this.reception.everyone()]) socket.restart();
    await this.everybodyGone();
  }

  /** Not sooner: by now a Redis that is away is given up in time. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.reception.closingsDone();
  }

  private guard(conn: EngineSocket): void {
    const { websocket } = conn.request as IncomingMessage & { websocket?: ClientWebSocket };
    const arrival = this.arrivals.get(conn.request);
    if (websocket === undefined || arrival === undefined) throw new Error('A socket came past the handshake.');
    websocket.guard(conn, arrival.tcp, arrival.backlog);
  }

  private async arrive(request: IncomingMessage, tcp: TcpSocket, backlog: Backlog): Promise<void> {
    this.unauthenticated.check(request, tcp);
    if (this.isClosed) throw new PnsError('UNAVAILABLE', 'This node is stopping; come back and find another one.');
    const fault = requestFault(request);
    if (fault !== undefined) throw new PnsError('REQUEST_MALFORMED', fault);
    const handshake = readHandshake(request.url ?? '');
    if (this.clients.clientAt(handshake.path) === undefined) throw unknownPath();
    const arrival: Arrival = { handshake, tcp, backlog };
    this.arrivals.set(request, arrival);
    if (handshake.session !== undefined) await this.admit(arrival, handshake.session);
  }

  private async admit(arrival: Arrival, token: string): Promise<void> {
    const [socket, takenFrom] = await this.reception.admit(arrival, token);
    if (takenFrom !== undefined) void this.takeOvers.announce(socket.key, takenFrom);
    arrival.socket = socket;
    this.unauthenticated.authenticated(arrival.tcp);
    // Once Socket.IO knows the client, it tells better why it went.
    arrival.tcp.once('close', () => {
      if (!socket.local.isAttached) this.reception.leave(socket, 'transport close');
    });
    if (this.isClosed) socket.restart();
  }

  private async everybodyGone(): Promise<void> {
    const deadline = Date.now() + farewellMs;
    while (this.connections.size > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const tcp of this.connections) tcp.destroy();
    while (this.connections.size > 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
