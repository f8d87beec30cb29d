import type { Socket } from 'node:net';

/** The interval in which reading from a silent connection is stopped again. */
const silenceMs = 20;

/** One connection of a sender. */
export interface Connection {
  readonly socket: Socket;
  /** The SHA-256 fingerprint of the client's certificate, if our authority issued it. */
  readonly certificate: string | undefined;
  firstKey?: string;
  isKnown: boolean;
  streams: number;
  unanswered: number;
  isGoing: boolean;
  isSilent: boolean;
}

/** Stops reading and answering on a connection. It uses the socket's handle, because Node has no public method for HTTP/2. */
export function silence(connection: Connection): void {
  connection.isSilent = true;
  const { socket } = connection;
  const { _handle: handle } = socket as unknown as { _handle?: { readStop(): void } };
  handle?.readStop();
  // A write that was in progress restarts the reading, so it is stopped again.
  const again = setInterval(() => handle?.readStop(), silenceMs).unref();
  socket.once('close', () => clearInterval(again));
}
