import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A proxy in front of a server that a test can cut and restore, to simulate a network failure. */
export interface CuttableLink {
  /** The URL of the server through this link. */
  readonly url: string;
  /** The number of open connections. */
  readonly connections: number;
  /** Breaks every connection and refuses new ones until `mend()`. */
  cut(): void;
  mend(): void;
  /**
   * Keeps the current connections open but forwards no more bytes, like a firewall that has dropped their state. New connections
   * work.
   */
  swallow(): void;
  /** Holds back the answers of the server on all connections until `release()`, like a slow server. */
  hold(): void;
  release(): void;
  /** Called before each chunk to the server is forwarded, with the number of chunks so far and the chunk. */
  onSend: (portions: number, chunk: Buffer) => void;
  /** Called when a connection was refused because the link is cut. */
  onRefuse: () => void;
  close(): Promise<void>;
}

/** Opens a link to the server of `url` on a free port of this machine. */
export async function cuttableLink(url: string): Promise<CuttableLink> {
  const target = new URL(url);
  const ends = new Set<Socket>();
  const pairs = new Set<readonly [near: Socket, far: Socket]>();
  let [isCut, isHeld, portions] = [false, false, 0];
  const breakAll = (): void => ends.forEach((end) => end.destroy());
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return link.onRefuse();
    }
    const far = connect(Number(target.port), target.hostname);
    const pair = [near, far] as const;
    pairs.add(pair);
    near.on('close', () => pairs.delete(pair));
    near.on('data', (chunk: Buffer) => link.onSend(++portions, chunk));
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(end);
      end.on('error', () => undefined);
      end.on('close', () => {
        ends.delete(end);
        other.destroy();
      });
    }
    near.pipe(far);
    if (!isHeld) far.pipe(near);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const near = new URL(url);
  near.hostname = '127.0.0.1';
  near.port = String((server.address() as AddressInfo).port);
  const link: CuttableLink = {
    url: near.href,
    onSend: () => undefined,
    onRefuse: () => undefined,
    get connections() {
      return ends.size / 2;
    },
    cut: () => {
      isCut = true;
      breakAll();
    },
    mend: () => {
      isCut = false;
    },
    swallow: () => ends.forEach((end) => end.unpipe().resume()),
    hold: () => {
      isHeld = true;
      for (const [near, far] of pairs) far.unpipe(near).pause();
    },
    release: () => {
      if (!isHeld) return; // a second pipe would send each answer twice
      isHeld = false;
      for (const [near, far] of pairs) far.pipe(near);
    },
    close: async () => {
      const closed = once(server.close(), 'close');
      breakAll();
      await closed;
    },
  };
  return link;
}
