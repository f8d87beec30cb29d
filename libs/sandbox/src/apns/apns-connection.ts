import type { Socket } from 'node:net';

/** How often reading from a silent connection is stopped again. */
const silenceMs = 20;

/** One connection of a provider. */
export interface Connection {
  readonly socket: Socket;
  /** The SHA-256 fingerprint of its certificate, if our authority issued it. */
  readonly certificate: string | undefined;
  firstKey?: string;
  isKnown: boolean;
  streams: number;
  unanswered: number;
  isGoing: boolean;
  isSilent: boolean;
}

/** Once HTTP/2 has taken a connection over, Node has no public way to stop reading from it; its handle has one. */
export function silence(connection: Connection): void {
  connection.isSilent = true;
  const { socket } = connection;
  const { _handle: handle } = socket as unknown as { _handle?: { readStop(): void } };
  handle?.readStop();
  // A write that was in progress starts the reading again.
  const again = setInterval(() => handle?.readStop(), silenceMs).unref();
  socket.once('close', () => clearInterval(again));
}
