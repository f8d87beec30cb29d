import type { Socket as TcpSocket } from 'node:net';
import type { Socket as EngineSocket } from 'engine.io';

/** Bytes that may wait for a reader. A reader that is slower is cut off. */
export const maxBacklogBytes = 1024 * 1024;

/** Memory that a waiting packet takes beside its data, in bytes: the packet, its options and its callbacks. */
const bytesPerPacket = 256;

interface Packet {
  readonly data?: string | Buffer;
  readonly options?: { readonly wsPreEncodedFrame?: readonly Buffer[] };
}

/**
 * Everything that waits for one client to read it: our own events, and the answers of Socket.IO and Engine.IO. One place
 * counts it, because each of them grows without bound where nobody reads.
 */
export class Backlog {
  /** Bytes of events that wait for the client's CONNECT. */
  private heldBytes = 0;
  /** Bytes of packets that Engine.IO holds until TCP takes more. */
  private engineBytes = 0;
  /** Whether the client read too slowly. Its connection is destroyed, and what waited is lost. */
  isExceeded = false;

  constructor(private readonly tcp: TcpSocket) {}

  /** Whether Engine.IO holds packets back, so that a frame which is written past it overtakes them. */
  get isHolding(): boolean {
    return this.engineBytes > 0;
  }

  /** Counts every packet of this connection from now on, whoever sends it. */
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
  hold(bytes: number): void {
    this.heldBytes += bytes + bytesPerPacket;
    this.check();
  }

  /** Forgets the events that waited for the client's CONNECT. */
  release(): void {
    this.heldBytes = 0;
  }

  /** Destroys the connection if too much waits. A close frame would only wait behind the rest. */
  check(): void {
    if (this.isExceeded || this.heldBytes + this.engineBytes + this.tcp.writableLength <= maxBacklogBytes) return;
    this.isExceeded = true;
    this.tcp.destroy();
  }
}
