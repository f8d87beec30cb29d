import type { IncomingMessage, Server } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { log, PnsError } from '@pns/runtime';
import { addressKey, ClientAddresses } from './client-address';
import { closeGraceMs } from '../emit/client-web-socket';

/** A connection is destroyed after this time, in ms, unless it is an authenticated socket by then or has sent another HTTP request. */
export const authenticateWithinMs = 10_000;

/** A reached limit is logged at most once in this time, in ms, because a flood must not fill the log. */
const warnEveryMs = 10_000;

interface Unauthenticated {
  /** The client's address; unknown until the proxy in front has sent it. */
  address?: string;
  refusal?: PnsError;
  readonly onClose: () => void;
}

/**
 * Connections that have not shown a valid session. Their time and number are limited, for each address and in total. A connection
 * beyond a limit has a second to send its request, which is answered with the reason. A connection beyond twice a limit is
 * destroyed at once.
 */
@Injectable()
export class UnauthenticatedConnections {
  private readonly counted = new Map<TcpSocket, Unauthenticated>();
  private readonly perAddress = new Map<string, number>();
  private readonly deadlines = new WeakMap<TcpSocket, NodeJS.Timeout>();
  private warnedAt = -warnEveryMs;

  constructor(
    private readonly cascade: ConfigCascade,
    @Inject(ClientAddresses) private readonly addresses: ClientAddresses,
  ) {}

  /** The number of unauthenticated connections now. */
  get size(): number {
    return this.counted.size;
  }

  /** Watches all connections of `server`. */
  watch(server: Server): void {
    server.on('connection', (tcp: TcpSocket) => this.add(tcp));
    server.on('request', ({ socket }: IncomingMessage) => this.deadlines.get(socket)?.refresh());
  }

  /**
   * Checks that the client that sent this request is within its limits.
   *
   * @throws PnsError `HANDSHAKES_TOO_MANY` (too many connections from its address), `OVERLOADED` (too many from all addresses)
   */
  check(request: IncomingMessage, tcp: TcpSocket): void {
    const one = this.counted.get(tcp);
    if (one === undefined) return;
    if (one.address === undefined) this.count(one, this.addresses.of(request));
    if (one.refusal !== undefined) throw one.refusal;
  }

  /** Notes that the connection has shown a valid session. From now on only the limit of its user applies. */
  authenticated(tcp: TcpSocket): void {
    const one = this.counted.get(tcp);
    if (one === undefined) return;
    tcp.off('close', one.onClose);
    this.forget(tcp);
  }

  /** Notes that the client has sent its CONNECT. From now on the time-outs of Engine.IO apply. */
  connected(tcp: TcpSocket): void {
    clearTimeout(this.deadlines.get(tcp));
    this.deadlines.delete(tcp);
  }

  private add(tcp: TcpSocket): void {
    const one: Unauthenticated = { onClose: () => this.forget(tcp) };
    this.counted.set(tcp, one);
    tcp.once('close', one.onClose);
    const max = this.cascade.resolve('com.openexchange.websockets.unauthenticated.max').value;
    if (this.counted.size > max) this.refuse(one, tooManyInAll());
    const peer = tcp.remoteAddress ?? '';
    const beyond = this.addresses.isProxy(peer) ? 0 : this.count(one, addressKey(peer));
    if (this.counted.size > 2 * max || beyond > 2) return void tcp.destroy();
    const withinMs = one.refusal === undefined ? authenticateWithinMs : closeGraceMs;
    this.deadlines.set(tcp, setTimeout(() => tcp.destroy(), withinMs).unref());
  }

  /** Counts the connection, and returns the count of its address as a multiple of the limit. */
  private count(one: Unauthenticated, address: string): number {
    const max = this.cascade.resolve('com.openexchange.websockets.unauthenticated.maxPerAddress').value;
    const count = (this.perAddress.get(address) ?? 0) + 1;
    this.perAddress.set(address, count);
    one.address = address;
    if (count > max) this.refuse(one, tooManyOfAddress());
    return count / max;
  }

  private refuse(one: Unauthenticated, refusal: PnsError): void {
    one.refusal ??= refusal;
    if (performance.now() - this.warnedAt < warnEveryMs) return;
    this.warnedAt = performance.now();
    log.warn({
      event: 'handshakes.bounded',
      code: refusal.code,
      unauthenticated: this.counted.size,
      address: one.address,
    });
  }

  private forget(tcp: TcpSocket): void {
    const one = this.counted.get(tcp);
    if (one === undefined || !this.counted.delete(tcp) || one.address === undefined) return;
    const left = (this.perAddress.get(one.address) ?? 0) - 1;
    if (left > 0) this.perAddress.set(one.address, left);
    else this.perAddress.delete(one.address);
  }
}

function tooManyOfAddress(): PnsError {
  return new PnsError('HANDSHAKES_TOO_MANY', 'Too many handshakes of this address wait for a session; try again soon.');
}

function tooManyInAll(): PnsError {
  return new PnsError('OVERLOADED', 'Too many handshakes wait for a session; try again in a moment.');
}
