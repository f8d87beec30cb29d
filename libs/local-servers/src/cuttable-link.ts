import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that a test can cut and mend: how a server looks to a process that the network parts from it. */
export interface CuttableLink {
  /** The server's URL by way of this link. */
  readonly url: string;
  /** How many connections go through. */
  readonly connections: number;
  /** Breaks every connection and refuses new ones until `mend()`. */
  cut(): void;
  mend(): void;
  /**
   * Keeps every connection of now open and passes nothing on any more, without a sign, as a firewall does that has
   * forgotten them. New ones go through.
   */
  swallow(): void;
  close(): Promise<void>;
}

/** Opens a link to the server of `url` on a free port of this machine. */
export async function cuttableLink(url: string): Promise<CuttableLink> {
  const target = new URL(url);
  const ends = new Set<Socket>();
  let isCut = false;
  const breakAll = (): void => ends.forEach((end) => end.destroy());
  const server = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(Number(target.port), target.hostname);
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
      end.pipe(other);
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const near = new URL(url);
  near.hostname = '127.0.0.1';
  near.port = String((server.address() as AddressInfo).port);
  return {
    url: near.href,
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
    close: async () => {
      const closed = once(server.close(), 'close');
      breakAll();
      await closed;
    },
  };
}
