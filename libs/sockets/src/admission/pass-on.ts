import type { IncomingMessage } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import type { Server as Engine } from 'engine.io';

/**
 * Passes an upgrade to Engine.IO. Its response waits for the close of the connection, to tell middleware of it, and would keep the
 * request in memory until then. The engine has no middleware (its option `cors` would be one), so this removes the listener. It is the
 * only new one that is called once.
 */
export function passOn(engine: Engine, request: IncomingMessage, tcp: TcpSocket, head: Buffer): void {
  const before = new Set(tcp.rawListeners('close'));
  engine.handleUpgrade(request, tcp, head);
  const ofResponse = tcp.rawListeners('close').find((listener) => !before.has(listener) && 'listener' in listener);
  if (ofResponse !== undefined) tcp.off('close', ofResponse as () => void);
}
