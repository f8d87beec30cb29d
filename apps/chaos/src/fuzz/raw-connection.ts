import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** After the client has ended its side, the server must close the connection within this time, in ms. */
const closeWithinMs = 60_000;

/** A TCP connection that sends any bytes and stores the received bytes. */
export class RawConnection {
  private readonly chunks: Buffer[] = [];
  private waiting: (() => void)[] = [];

  private constructor(private readonly tcp: Socket) {
    tcp.on('data', (data: Buffer) => {
      this.chunks.push(data);
      this.changed();
    });
    tcp.on('error', () => undefined); // `close` follows
    tcp.on('close', () => this.changed());
  }

  static async open(port: number): Promise<RawConnection> {
    const tcp = connect(port, '127.0.0.1');
    await once(tcp, 'connect');
    tcp.setNoDelay();
    return new RawConnection(tcp);
  }

  get isClosed(): boolean {
    return this.tcp.destroyed;
  }

  /** All bytes that the server has sent so far. */
  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** Sends bytes, given as Latin-1 text. Resolves when the operating system has accepted them, or the connection has closed. */
  async write(bytes: string | Buffer): Promise<void> {
    if (this.tcp.destroyed || this.tcp.writableEnded) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.tcp.off('close', done);
        resolve();
      };
      this.tcp.once('close', done);
      this.tcp.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, done);
    });
  }

  /** Resolves with true once `holds` returns true for the received bytes; with false if the connection closes or time is over. */
  async until(holds: (received: Buffer) => boolean, withinMs: number): Promise<boolean> {
    const deadline = Date.now() + withinMs;
    while (!holds(this.received)) {
      const leftMs = deadline - Date.now();
      if (this.isClosed || leftMs <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return true;
  }

  /** Ends our side. Resolves with whether the server closes the connection in time. */
  async end(): Promise<boolean> {
    this.tcp.end();
    await this.until(() => this.isClosed, closeWithinMs);
    const isClosed = this.isClosed;
    this.tcp.destroy();
    return isClosed;
  }

  private changed(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
