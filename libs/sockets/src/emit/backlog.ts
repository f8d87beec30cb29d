import type { Socket as TcpSocket } from 'node:net';
import type { Socket as EngineSocket } from 'engine.io';

/** Bytes that may wait for a client to read. The connection of a slower client is destroyed. */
export const maxBacklogBytes = 1024 * 1024;

/** Memory of a waiting packet in addition to its data, in bytes: the packet, its options and its callbacks. */
const bytesPerPacket = 256;

interface Packet {
  readonly data?: string | Buffer;
  readonly options?: { readonly wsPreEncodedFrame?: readonly Buffer[] };
}

/**
 * Counts the bytes that wait for one client to read: our events, and the answers of Socket.IO and Engine.IO. All are counted here,
 * because each of them grows without limit if the client does not read.
 */
export class Backlog {
  /** Bytes of events that wait for the client's CONNECT. */
  private earlyBytes = 0;
  /** Bytes of packets that Engine.IO buffers until TCP takes more. */
  private engineBytes = 0;
  /** Whether the client read too slowly, so that its connection was destroyed. */
  isExceeded = false;

  constructor(private readonly tcp: TcpSocket) {}

  /** Whether Engine.IO buffers packets. A frame that is written directly would overtake them. */
  get isBuffering(): boolean {
    return this.engineBytes > 0;
  }

  /** Whether nothing waits, neither in Engine.IO nor for TCP. */
  get isIdle(): boolean {
    return this.engineBytes === 0 && this.tcp.writable && this.tcp.writableLength === 0;
  }

  /** Writes a frame directly to TCP, behind everything that Engine.IO has written. Call it only while `isIdle`. */
  write(frame: Buffer): void {
    this.tcp.write(frame);
    this.check();
  }

  /** Counts every packet of this connection from now on, also those that Engine.IO sends by itself. */
  watch(conn: EngineSocket): void {
    conn.on('packetCreate', ({ data = '', options }: Packet) => {
      // A transport that is writable takes the packet at once, and TCP counts it.
      if (!conn.transport.writable) {
        this.engineBytes += (options?.wsPreEncodedFrame?.[0]?.length ?? data.length) + bytesPerPacket;
      }
      this.check();
    });
    conn.on('drain', () => (this.engineBytes = 0));
  }

  /** Counts an event that waits for the client's CONNECT. */
  add(bytes: number): void {
    this.earlyBytes += bytes + bytesPerPacket;
    this.check();
  }

  /** Stops counting the events that waited for the client's CONNECT. */
  release(): void {
    this.earlyBytes = 0;
  }

  /** Destroys the connection if too many bytes wait. Sends no close frame, because it would wait behind these bytes. */
  check(): void {
    if (this.isExceeded || this.earlyBytes + this.engineBytes + this.tcp.writableLength <= maxBacklogBytes) return;
    this.isExceeded = true;
    this.tcp.destroy();
  }
}
