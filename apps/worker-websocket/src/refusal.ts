import type { Duplex } from 'node:stream';
import { STATUS_CODES } from 'node:http';
import { PnsError, RecurringFault } from '@pns/runtime';

/** The status that each reason to refuse a handshake has; the original's, where it has one. */
const statuses: Readonly<Record<string, number>> = {
  REQUEST_MALFORMED: 400,
  TRANSPORT_UNKNOWN: 400,
  CONNECTION_INVALID: 400,
  CONNECTION_DUPLICATE: 400,
  SOCKETS_TOO_MANY: 400,
  SESSION_MISSING: 400,
  SESSION_INVALID: 403,
  SESSION_ENDED: 403,
  SESSION_OF_OTHER_CLIENT: 403,
  PATH_UNKNOWN: 404,
  UNAVAILABLE: 503,
};

/** A refused client is to wait this long before it tries again, in s, when the fault is ours. */
const retryAfterSeconds = 2;

/** An answer that says no: RFC 9457. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Clients come back again and again while Redis or Postgres is away. */
const fault = new RecurringFault('socket.refused', 'socket.admitted');

/** Call it when a client was admitted: a fault of ours that kept others out is over. */
export const admissionWorks = (): void => fault.isOver();

/** The reason for a refusal as an error that a client may see; a fault of ours is logged and sent as `UNAVAILABLE`. */
export function refusalReason(error: unknown): PnsError {
  if (error instanceof PnsError && error.code in statuses) return error;
  fault.occurred(error);
  return new PnsError('UNAVAILABLE', 'The service cannot open sockets right now; try again in a moment.');
}

/** The answer to a refused handshake. */
export function refusalOf({ code, message }: PnsError): Refusal {
  const status = statuses[code] ?? 503;
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(status === 503 ? { 'retry-after': String(retryAfterSeconds) } : {}),
    },
    body: JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, code, detail: message }),
  };
}

/** Answers a request to upgrade with a refusal and closes the connection. */
export function refuseUpgrade(tcp: Duplex, error: PnsError): void {
  const { status, headers, body } = refusalOf(error);
  const lines = Object.entries({ ...headers, connection: 'close', 'content-length': Buffer.byteLength(body) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  tcp.once('finish', () => tcp.destroy());
  tcp.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`);
}
