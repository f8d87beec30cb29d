import type { IncomingMessage, ServerResponse } from 'node:http';

/** How much of a body that nobody reads is taken from the connection after the answer, in bytes. */
export const maxUnreadBytes = 1024 * 1024;

/** The rest of such a body must arrive within this time, in ms. */
export const unreadTimeoutMs = 10_000;

/**
 * Bounds what a sender can make us receive after it was answered early. A short rest is taken from the connection, which can
 * then serve the next request. A longer or slower one ends the connection: Node would read it to its end, however long.
 */
export function boundUnreadBody(request: IncomingMessage, response: ServerResponse): void {
  if (!hasBody(request)) return;
  // Before Node's own listener, which would discard the rest without a bound.
  response.prependOnceListener('finish', () => {
    if (!request.complete) takeRest(request);
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function takeRest(request: IncomingMessage): void {
  let bytes = 0;
  const timer = setTimeout(() => request.destroy(), unreadTimeoutMs).unref();
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxUnreadBytes) request.destroy();
  });
  request.on('error', () => undefined); // the sender closed the connection
  request.once('close', () => clearTimeout(timer));
  request.read(0); // so that Node sees a reader
  request.removeAllListeners('readable'); // of a reader that gave up; nothing would flow beside it
  request.resume();
}
