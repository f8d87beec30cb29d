import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import { Injectable, type BeforeApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { WebsocketClients } from '@pns/presence';
import { PnsError, requestFault } from '@pns/runtime';
import type { Server as Engine } from 'engine.io';
import { readHandshake, unknownPath, type Handshake } from './handshake';
import type { OpenSocket } from './open-socket';
import { Reception } from './reception';
import { refusalReason, refuseUpgrade } from './refusal';

/** What is known of a client by the request that it came with. */
export interface Arrival {
  readonly handshake: Handshake;
  readonly tcp: TcpSocket;
  /** Set once it was let in: at once by a session in the URL, or with its CONNECT. */
  socket?: OpenSocket;
}

/** A socket that was refused with its CONNECT, or that never says it, is closed after this time, in ms. */
export const connectTimeoutMs = 10_000;

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
  ) {}

  /** Sends the Web Sockets that arrive at `server` to `engine`. */
  open(server: HttpServer, engine: Engine): void {
    server.on('upgrade', (request: IncomingMessage, tcp: TcpSocket, head: Buffer) => {
      tcp.on('error', () => undefined); // the connection is gone then, which `close` tells
      this.connections.add(tcp);
      tcp.once('close', () => this.connections.delete(tcp));
      this.arrive(request, tcp).then(
        () => engine.handleUpgrade(request, tcp, head),
        (error: unknown) => refuseUpgrade(tcp, refusalReason(error)),
      );
    });
  }

  /** Who came with this request. */
  arrivalOf(request: IncomingMessage): Arrival | undefined {
    return this.arrivals.get(request);
  }

  /** Lets in whoever brings the session with the CONNECT. */
  async admitLate(arrival: Arrival, token: unknown): Promise<void> {
    if (arrival.socket !== undefined) return;
    if (typeof token !== 'string' || token === '') {
      throw new PnsError('SESSION_MISSING', 'A session token must come as the parameter session or as auth.token.');
    }
    await this.admit(arrival, token);
  }

  /** Closes the door, then every socket with the hint to come back. */
  async onModuleDestroy(): Promise<void> {
    this.isClosed = true;
    for (const socket of [...this.reception.everyone()]) {
      this.reception.leave(socket, 'server shutting down');
      socket.restart();
    }
    await this.everybodyGone();
  }

  /** Not sooner: by now a Redis that is away is given up in time. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.reception.goodbyesSaid();
  }

  private async arrive(request: IncomingMessage, tcp: TcpSocket): Promise<void> {
    if (this.isClosed) throw new PnsError('UNAVAILABLE', 'This node is stopping; come back and find another one.');
    const fault = requestFault(request);
    if (fault !== undefined) throw new PnsError('REQUEST_MALFORMED', fault);
    const handshake = readHandshake(request.url ?? '');
    if (this.clients.clientAt(handshake.path) === undefined) throw unknownPath();
    const arrival: Arrival = { handshake, tcp };
    this.arrivals.set(request, arrival);
    if (handshake.session !== undefined) await this.admit(arrival, handshake.session);
  }

  private async admit(arrival: Arrival, token: string): Promise<void> {
    const socket = await this.reception.admit(arrival.handshake, token, arrival.tcp);
    arrival.socket = socket;
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
  }
}
