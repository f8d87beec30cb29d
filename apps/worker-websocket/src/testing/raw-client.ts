import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A client on bare TCP, for what no library does: to read nothing, and to see how a handshake is answered. */
export class RawClient {
  private received = Buffer.alloc(0);
  private readonly news = new EventEmitter();

  private constructor(private readonly tcp: Socket) {
    tcp.on('data', (data) => {
      this.received = Buffer.concat([this.received, data]);
      this.news.emit('news');
    });
    tcp.on('error', () => undefined);
    tcp.on('close', () => this.news.emit('news'));
  }

  /** Asks for a Web Socket. */
  static async open(
    url: string,
    query: string,
    path = '/socket.io/appsuite/',
    key = 'AAAAAAAAAAAAAAAAAAAAAA==',
  ): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const tcp = connect(Number(port), hostname);
    const client = new RawClient(tcp);
    await once(tcp, 'connect');
    tcp.write(
      `GET ${path}?transport=websocket&${query} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    return client;
  }

  /** Resolves once the server has closed the connection. */
  closed(): Promise<void> {
    return this.until(() => this.tcp.destroyed);
  }

  /** The status and body of a refusal. */
  async refusal(): Promise<{ status: number; headers: string; body: unknown }> {
    await this.closed();
    const [headers = '', body = ''] = this.received.toString().split('\r\n\r\n');
    return { status: Number(headers.split(' ')[1]), headers, body: JSON.parse(body) };
  }

  /** The first Engine.IO packets, once there are `count`. */
  async packets(count: number): Promise<string[]> {
    await this.until(() => this.texts().length >= count);
    return this.texts();
  }

  /** Says CONNECT, as the fourth generation does, and resolves once that is answered. */
  async connected(): Promise<void> {
    await this.packets(1);
    const mask = [0, 0, 0, 0];
    this.tcp.write(Buffer.from([0x81, 0x82, ...mask, ...Buffer.from('40')]));
    await this.packets(2);
  }

  stopReading(): void {
    this.tcp.pause();
  }

  close(): void {
    this.tcp.destroy();
  }

  /** The Web Socket frames so far; those of these tests are short texts (RFC 6455, 5.2). */
  private texts(): string[] {
    const texts = [];
    const start = this.received.indexOf('\r\n\r\n') + 4;
    for (let at = start; at > 3 && at + 2 <= this.received.length;) {
      const short = this.received.readUInt8(at + 1);
      const [head, length] = short === 126 ? [4, this.received.readUInt16BE(at + 2)] : [2, short];
      if (at + head + length > this.received.length) break;
      texts.push(this.received.toString('utf8', at + head, at + head + length));
      at += head + length;
    }
    return texts;
  }

  private async until(holds: () => boolean): Promise<void> {
    while (!holds()) await once(this.news, 'news');
  }
}
