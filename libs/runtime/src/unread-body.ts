import type { IncomingMessage, ServerResponse } from 'node:http';

/** Maximum number of bytes of an unread body that are read from the connection and discarded after the answer. */
export const maxUnreadBytes = 1024 * 1024;

/** The rest of an unread body must arrive within this time, in ms. */
const unreadTimeoutMs = 10_000;

/**
 * Limits the bytes that are received after an early answer. A short rest of the body is discarded, and the connection can serve
 * the next request. A longer or slower rest ends the connection; Node itself would read it without a limit.
 */
export function boundUnreadBody(request: IncomingMessage, response: ServerResponse): void {
  if (!hasBody(request)) return;
  // Runs before Node's own listener, which would discard the rest without a limit.
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
  request.read(0); // adds a reader to the state of the stream
  request.removeAllListeners('readable'); // a listener whose reader was stopped would keep the data from flowing
  request.resume();
}
