import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A proxy in front of one node at a time, which loses connections as networks do. */
export interface LossyProxy {
  readonly url: string;
  /** Sends new connections to `node`; without a node, they are refused. */
  sendTo(node: { readonly url: string } | undefined): void;
  /** Breaks every connection at both ends. */
  cut(): void;
  /** Breaks every connection at the client's end. The node's end stays open, and nothing reads from it. */
  loseClients(): void;
  close(): Promise<void>;
}

export async function openLossyProxy(): Promise<LossyProxy> {
  let port: number | undefined;
  const connections = new Set<{ readonly near: Socket; readonly far: Socket; isLost: boolean }>();
  const server = createServer((near) => {
    if (port === undefined) return void near.destroy();
    const connection = { near, far: connect(port, '127.0.0.1'), isLost: false };
    connections.add(connection);
    const { far } = connection;
    near.on('error', () => undefined).on('close', () => connection.isLost || far.destroy());
    far.on('error', () => undefined).on('close', () => (connections.delete(connection), near.destroy()));
    near.on('data', (data) => far.write(data));
    far.on('data', (data) => connection.isLost || near.write(data));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sendTo: (node) => (port = node === undefined ? undefined : Number(new URL(node.url).port)),
    cut: () => {
      for (const { near, far } of connections) for (const end of [near, far]) end.destroy();
    },
    loseClients: () => {
      for (const connection of connections) {
        connection.isLost = true;
        connection.near.destroy();
      }
    },
    close: async () => {
      const closed = once(server.close(), 'close');
      for (const { near, far } of connections) for (const end of [near, far]) end.destroy();
      await closed;
    },
  };
}
