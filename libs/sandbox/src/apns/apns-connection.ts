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

/**
 * Stops reading and answering on a connection. Node has no public method to stop reading once HTTP/2 uses the socket, so this
 * calls the method of the socket's handle.
 */
export function silence(connection: Connection): void {
  connection.isSilent = true;
  const { socket } = connection;
  const { _handle: handle } = socket as unknown as { _handle?: { readStop(): void } };
  handle?.readStop();
  // A write that was in progress restarts the reading.
  const again = setInterval(() => handle?.readStop(), silenceMs).unref();
  socket.once('close', () => clearInterval(again));
}
