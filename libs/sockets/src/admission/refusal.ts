import type { Duplex } from 'node:stream';
import { STATUS_CODES } from 'node:http';
import { declareCounter, PnsError, RecurringFault } from '@pns/runtime';
import { closeGraceMs } from '../emit/client-web-socket';

/** The HTTP status for each code of a refused handshake; the original's status, if the original refuses for the same reason. */
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
  AUTH_INVALID: 400,
  CONNECT_REPEATED: 400,
  HANDSHAKES_TOO_MANY: 429,
  OVERLOADED: 503,
  UNAVAILABLE: 503,
};

/** A client that is refused for a temporary reason waits this long before it tries again, in s. */
const retryAfterSeconds = 2;

const refused = declareCounter({
  name: 'pns_handshakes_refused_total',
  help: 'Handshakes and CONNECTs that were refused, by the code of the answer.',
  labels: { code: Object.keys(statuses) },
});

/** The answer to a refused handshake: RFC 9457. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Logged as one fault, because clients repeat their handshakes while Redis or Postgres is unavailable. */
const fault = new RecurringFault('socket.refused', 'socket.admitted');

/** Ends the fault for which clients were refused. Called when a client was admitted. */
export const admissionWorks = (): void => fault.isOver();

/** Counts a refusal and returns its reason for the client. An unexpected error is logged and becomes `UNAVAILABLE`. */
export function refusalReason(error: unknown): PnsError {
  if (error instanceof PnsError && Object.hasOwn(statuses, error.code)) {
    refused.inc({ code: error.code });
    return error;
  }
  refused.inc({ code: 'UNAVAILABLE' });
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
      'access-control-allow-origin': '*', // the answer holds no secret, and without this header a page gets only a CORS error
      ...(status === 429 || status === 503 ? { 'retry-after': String(retryAfterSeconds) } : {}),
    },
    body: JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, code, detail: message }),
  };
}

/** Answers a request to upgrade with a refusal and closes the connection, even if the client does not read the answer. */
export function refuseUpgrade(tcp: Duplex, error: PnsError): void {
  const { status, headers, body } = refusalOf(error);
  const lines = Object.entries({ ...headers, connection: 'close', 'content-length': Buffer.byteLength(body) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  tcp.once('finish', () => tcp.destroy());
  setTimeout(() => tcp.destroy(), closeGraceMs).unref();
  tcp.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`);
}
