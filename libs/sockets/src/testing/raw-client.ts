import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A Web Socket frame of the server: RFC 6455, 5.2. */
interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A client on bare TCP for actions that no library supports: it can stop reading and break rules, and shows the answers. */
export class RawClient {
  private received = Buffer.alloc(0);
  private readonly news = new EventEmitter();
  private isAnswering = false;
  private seen = 0;

  private constructor(readonly tcp: Socket) {
    tcp.on('data', (data) => {
      this.received = Buffer.concat([this.received, data]);
      this.answerNew();
      this.news.emit('news');
    });
    tcp.on('error', () => undefined);
    tcp.on('close', () => this.news.emit('news'));
  }

  /** Connects, and sends nothing. */
  static async connect(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const tcp = connect(Number(port), hostname);
    const client = new RawClient(tcp);
    await once(tcp, 'connect');
    return client;
  }

  /** Connects, and sends a request to upgrade. */
  static async open(
    url: string,
    query: string,
    path = '/socket.io/appsuite/',
    key = 'AAAAAAAAAAAAAAAAAAAAAA==',
    headers = '',
  ): Promise<RawClient> {
    const client = await RawClient.connect(url);
    client.tcp.write(
      `GET ${path}?transport=websocket&${query} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: Upgrade\r\n` +
        `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${headers}\r\n`,
    );
    return client;
  }

  get isClosed(): boolean {
    return this.tcp.destroyed;
  }

  /** Resolves once the server has closed the connection. */
  closed(): Promise<void> {
    return this.until(() => this.isClosed);
  }

  /** The status, headers and body of a refusal, once the connection is closed. */
  async refusal(): Promise<{ status: number; headers: string; body: unknown }> {
    await this.closed();
    const [headers = '', body = ''] = this.received.toString().split('\r\n\r\n');
    return { status: Number(headers.split(' ')[1]), headers, body: JSON.parse(body) };
  }

  /** The server's answer to the handshake. */
  async answer(): Promise<string> {
    await this.until(() => this.received.includes('\r\n\r\n') || this.isClosed);
    return this.received.toString('latin1').split('\r\n\r\n')[0] ?? '';
  }

  /** All Engine.IO packets so far, once there are `count`. */
  async packets(count: number): Promise<string[]> {
    await this.until(() => this.texts().length >= count);
    return this.texts();
  }

  /** The first Engine.IO packet for which `isWanted` returns true, once it has come. */
  async packet(isWanted: (text: string) => boolean): Promise<string> {
    await this.until(() => this.texts().some(isWanted));
    return this.texts().find(isWanted) ?? '';
  }

  /** Resolves once the server answered the ping with this payload. */
  async pong(payload: string): Promise<void> {
    await this.until(() =>
      this.frames().some((frame) => frame.opcode === opcodes.pong && frame.payload.toString() === payload),
    );
  }

  /** The code of the server's close frame, once the connection is closed; 1005 for a frame without a code (RFC 6455, 7.1.5). */
  async closeCode(): Promise<number | undefined> {
    await this.closed();
    const frame = this.frames().find(({ opcode }) => opcode === opcodes.close);
    return frame?.payload.length === 0 ? 1005 : frame?.payload.readUInt16BE(0);
  }

  /** Sends CONNECT, as Socket.IO 4 does, and resolves once the server has answered it. */
  async connected(): Promise<void> {
    await this.packets(1);
    this.send('40');
    await this.packets(2);
  }

  /** Sends a message. */
  send(text: string): void {
    this.tcp.write(clientFrame(opcodes.text, text));
  }

  /** Sends these bytes. Resolves once TCP has taken them, or the connection is closed. */
  async write(bytes: Buffer): Promise<void> {
    if (this.isClosed) return;
    await new Promise((resolve) => {
      this.tcp.once('close', resolve);
      this.tcp.write(bytes, () => resolve(this.tcp.off('close', resolve)));
    });
  }

  /** Sets whether the server's pings are answered from now on. */
  answerPings(isAnswering = true): void {
    this.isAnswering = isAnswering;
    this.answerNew();
  }

  stopReading(): void {
    this.tcp.pause();
  }

  readAgain(): void {
    this.tcp.resume();
  }

  close(): void {
    this.tcp.destroy();
  }

  /** Answers the pings that came since the last call. If pings are not answered now, skips them for good. */
  private answerNew(): void {
    const frames = this.frames();
    const pings = frames.slice(this.seen).filter(({ opcode }) => opcode === opcodes.ping);
    this.seen = frames.length;
    if (this.isAnswering) for (const { payload } of pings) this.tcp.write(clientFrame(opcodes.pong, payload));
  }

  private texts(): string[] {
    return this.frames()
      .filter(({ opcode }) => opcode === opcodes.text)
      .map(({ payload }) => payload.toString());
  }

  /** The frames so far. In these tests each frame is short and not fragmented. */
  private frames(): Frame[] {
    const frames: Frame[] = [];
    const start = this.received.indexOf('\r\n\r\n') + 4;
    for (let at = start; at > 3 && at + 2 <= this.received.length;) {
      const short = this.received.readUInt8(at + 1);
      const [head, length] = short === 126 ? [4, this.received.readUInt16BE(at + 2)] : [2, short];
      if (at + head + length > this.received.length) break;
      const opcode = this.received.readUInt8(at) & 0xf;
      frames.push({ opcode, payload: this.received.subarray(at + head, at + head + length) });
      at += head + length;
    }
    return frames;
  }

  private async until(holds: () => boolean): Promise<void> {
    while (!holds()) await once(this.news, 'news');
  }
}

/** A client's frame. Its mask is zero, so that its payload can be read. `first` is the first byte without the opcode. */
export function clientFrame(opcode: number, payload: string | Buffer = '', first = 0x80): Buffer {
  const bytes = Buffer.from(payload);
  const length = bytes.length < 126 ? Buffer.of(0x80 | bytes.length) : Buffer.alloc(3);
  if (bytes.length >= 126) {
    length.writeUInt8(0x80 | 126);
    length.writeUInt16BE(bytes.length, 1);
  }
  return Buffer.concat([Buffer.of(first | opcode), length, Buffer.alloc(4), bytes]);
}
