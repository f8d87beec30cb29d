import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { io } from 'socket.io-client';
import ioV2 from 'socket.io-client-v2';
import type { System } from '@pns/e2e';
import type { Fleet } from './fleet';
import type { Ledger } from './ledger';
import { indexOf, marker } from './load';
import { within } from './within';

/** A bound for a socket that does not connect, in ms. */
const connectsWithinMs = 60_000;

interface ClientSocket {
  readonly active?: boolean;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  open(): unknown;
  close(): unknown;
}

/** One socket of each user. The users have Socket.IO 2 and 4 in turn. A socket reconnects to any living node. */
export class SocketClients {
  /** When the socket of each user was sent `notifications:missed`, in ms since the epoch. */
  private readonly informedAt = new Map<number, number[]>();
  /** For each user, the id of the arrived notification that was posted last. */
  private readonly latest = new Map<number, string>();
  private readonly sockets: ClientSocket[] = [];
  private isClosing = false;
  /**
   * The number of notifications that arrived too late. Another notification to the same user arrived earlier, although it was
   * posted after the late one had been accepted.
   */
  outOfOrder = 0;

  private constructor(
    private readonly balancer: Server,
    /** The connections of the clients. */
    private readonly connections: ReadonlySet<Socket>,
    private readonly ledger: Ledger,
  ) {}

  static async open(system: System, fleet: Fleet, ledger: Ledger, users: number): Promise<SocketClients> {
    const connections = new Set<Socket>();
    const balancer = createServer((near) => {
      connections.add(near);
      near.on('close', () => connections.delete(near));
      const nodes = fleet.living('worker-websocket');
      const node = nodes[Math.floor(Math.random() * nodes.length)];
      if (node === undefined) return void near.destroy();
      const far = connect(node.port, '127.0.0.1');
      for (const [end, other] of [
        [near, far],
        [far, near],
      ] as const) {
        end.on('error', () => undefined).on('close', () => other.destroy());
      }
      near.pipe(far).pipe(near);
    });
    await once(balancer.listen(0, '127.0.0.1'), 'listening');
    const clients = new SocketClients(balancer, connections, ledger);
    const url = `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`;
    for (let user = 1; user <= users; user++) {
      const { token } = await system.expect<{ token: string }>(201, 'POST', '/v1/sessions', { context: 1, user });
      await clients.connect(url, user, token);
    }
    return clients;
  }

  /** Whether the socket of `user` was sent `notifications:missed` at this time or later. */
  wasInformed(user: number, since: number): boolean {
    return this.informedAt.get(user)?.some((at) => at >= since) ?? false;
  }

  get timesInformed(): number {
    return [...this.informedAt.values()].flat().length;
  }

  async close(): Promise<void> {
    this.isClosing = true;
    for (const socket of this.sockets) socket.close();
    const closed = once(this.balancer.close(), 'close');
    for (const connection of this.connections) connection.destroy();
    await closed;
  }

  private async connect(url: string, user: number, session: string): Promise<void> {
    const options = {
      path: '/socket.io/appsuite/',
      query: { session, connection: `chaos-${user}` },
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 100,
      reconnectionDelayMax: 500,
    };
    const socket: ClientSocket = user % 2 === 0 ? io(url, options) : ioV2(url, options);
    this.sockets.push(socket);
    socket.on('ox:mail:new', (mail) => this.arrived(user, String((mail as { readonly id?: unknown }).id)));
    socket.on('notifications:missed', () => {
      this.informedAt.set(user, [...(this.informedAt.get(user) ?? []), Date.now()]);
    });
    const connected = new Promise<void>((resolve) => {
      socket.on('connect', () => resolve());
      // A client of version 4 that was refused does not reconnect by itself.
      socket.on('connect_error', () => {
        if (socket.active === false) setTimeout(() => this.openAgain(socket), options.reconnectionDelayMax);
      });
    });
    await within(connectsWithinMs, `the first connection of the socket of user ${user}`, connected);
  }

  private openAgain(socket: ClientSocket): void {
    if (!this.isClosing) socket.open();
  }

  private arrived(user: number, id: string): void {
    if (!marker.test(id)) return;
    // A repeated event is counted in the ledger, so it does not count as out of order here.
    if (!this.ledger.arrived({ at: Date.now(), stream: 'websocket', id })) return;
    const latest = this.latest.get(user);
    if (latest !== undefined && this.ledger.isBefore(id, latest)) this.outOfOrder++;
    if (latest === undefined || indexOf(id) > indexOf(latest)) this.latest.set(user, id);
  }
}
