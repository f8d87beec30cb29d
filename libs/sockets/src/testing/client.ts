import { EventEmitter, once } from 'node:events';
import { io } from 'socket.io-client';
import ioV2 from 'socket.io-client-v2';

export type Generation = 'v2' | 'v4';

export interface ClientOptions {
  readonly generation?: Generation;
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** The handshake data in the CONNECT of Socket.IO 4. */
  readonly auth?: Readonly<Record<string, unknown>>;
  readonly reconnection?: boolean;
  readonly transports?: readonly string[];
}

/** A client waits this long for the events that a test expects, in ms. */
const newsWithinMs = 90_000;

/** A real client of Socket.IO 2 or 4 that records every event. */
export class Client {
  /** Every received event, as an array of its name and arguments. */
  readonly frames: unknown[][] = [];
  /** Why the client was refused or disconnected, in order. */
  readonly troubles: { readonly what: 'refused' | 'disconnected'; readonly reason: string; readonly code?: unknown }[] =
    [];
  private readonly news = new EventEmitter();
  private constructor(private readonly socket: { readonly connected: boolean; close(): unknown }) {}

  /** Begins to connect. */
  static open(url: string, options: ClientOptions = {}): Client {
    const { generation = 'v4', path = '/socket.io/appsuite/', query = {}, auth = {} } = options;
    const { reconnection = false, transports = ['websocket'] } = options;
    const fast = { reconnectionDelay: 50, reconnectionDelayMax: 200 };
    const common = { path, query, transports: [...transports], forceNew: true, reconnection, ...fast };
    if (generation === 'v4') {
      const socket = io(url, { ...common, auth });
      const client = new Client(socket);
      socket.onAny((...frame: unknown[]) => client.note(() => client.frames.push(frame)));
      socket.on('connect_error', (error) =>
        client.refused(error.message, (error as { data?: { code?: unknown } }).data?.code),
      );
      socket.on('disconnect', (reason) => client.disconnected(reason));
      socket.on('connect', () => client.note(() => undefined));
      return client;
    }
    const socket = ioV2(url, common);
    const client = new Client(socket);
    const pass = socket.onevent;
    socket.onevent = (packet) => {
      client.note(() => client.frames.push(packet.data));
      pass.call(socket, packet);
    };
    socket.on('connect_error', (error) => client.refused(String((error as Error).message)));
    socket.on('error', (reason) => client.refused('error', reason));
    socket.on('disconnect', (reason) => client.disconnected(String(reason)));
    socket.on('connect', () => client.note(() => undefined));
    return client;
  }

  get isConnected(): boolean {
    return this.socket.connected;
  }

  /** Resolves once the client is connected; rejects when the client is refused. */
  async connected(): Promise<this> {
    await this.until(() => this.isConnected || this.troubles.length > 0);
    if (!this.isConnected) throw new Error(`refused: ${JSON.stringify(this.troubles)}`);
    return this;
  }

  /** Resolves with the frames once there are `count`. */
  async got(count: number): Promise<unknown[][]> {
    await this.until(() => this.frames.length >= count);
    return this.frames;
  }

  /** Resolves with the client's troubles once there are `count`. */
  async troubled(count = 1): Promise<Client['troubles']> {
    await this.until(() => this.troubles.length >= count);
    return this.troubles;
  }

  /** Resolves once `holds` returns true. Rejects after `newsWithinMs` with a list of the received events. */
  async until(holds: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(newsWithinMs);
    try {
      while (!holds()) await once(this.news, 'news', { signal });
    } catch (cause) {
      const { frames, troubles } = this;
      const seen = JSON.stringify({ isConnected: this.isConnected, frames: frames.slice(-20), troubles });
      throw new Error(`The client waited for ${newsWithinMs} ms. It has seen ${seen}.`, { cause });
    }
  }

  close(): void {
    this.socket.close();
  }

  private refused(reason: string, code?: unknown): void {
    this.note(() => this.troubles.push({ what: 'refused', reason, ...(code === undefined ? {} : { code }) }));
  }

  private disconnected(reason: string): void {
    this.note(() => this.troubles.push({ what: 'disconnected', reason }));
  }

  private note(what: () => unknown): void {
    what();
    this.news.emit('news');
  }
}
