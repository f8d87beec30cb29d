import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * `open`: forwards all bytes. `cut`: breaks connections and refuses new ones. `slow`: delays each portion of bytes. `half-open`:
 * connections stay open, but no bytes are forwarded; all connections break when the state ends.
 */
export type LinkState = 'open' | 'cut' | 'slow' | 'half-open';

/** The delay of each portion of bytes while a link is slow, in ms. */
const slowMs = 200;

/** A proxy between one process and a server. A plan disturbs the network through it. */
export class Link {
  private readonly ends = new Set<Socket>();
  private state: LinkState = 'open';

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
  ) {}

  /** Opens a link to the server of `url` on a free port. */
  static async to(url: string): Promise<Link> {
    const server = createServer();
    const link = new Link(server, new URL(url));
    server.on('connection', (near) => link.accept(near));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return link;
  }

  /** The URL of the server through this link. */
  get url(): string {
    const near = new URL(this.target);
    near.port = String((this.server.address() as AddressInfo).port);
    return near.protocol.startsWith('http') ? near.origin : near.href;
  }

  /** Disturbs the link until `mend` is called. */
  disturb(state: LinkState): void {
    this.state = state;
    if (state === 'cut') this.breakAll();
  }

  mend(): void {
    const wasHalfOpen = this.state === 'half-open';
    this.state = 'open';
    if (wasHalfOpen) this.breakAll();
  }

  async close(): Promise<void> {
    const closed = once(this.server.close(), 'close');
    this.breakAll();
    await closed;
  }

  private breakAll(): void {
    for (const end of this.ends) end.destroy();
  }

  private accept(near: Socket): void {
    if (this.state === 'cut') return void near.destroy();
    const far = connect(Number(this.target.port), this.target.hostname);
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.ends.add(end);
      end.setNoDelay(true);
      end.on('error', () => undefined).on('data', (bytes: Buffer) => this.forward(bytes, end, other));
      end.on('close', () => {
        this.ends.delete(end);
        other.destroy();
      });
      end.on('end', () => other.end());
    }
  }

  private forward(bytes: Buffer, from: Socket, to: Socket): void {
    if (this.state === 'half-open') return;
    if (this.state === 'slow') {
      from.pause();
      setTimeout(() => {
        to.write(bytes);
        from.resume();
      }, slowMs);
    } else if (!to.write(bytes)) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  }
}
