import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { answerUnparsed } from './pipelined-requests';
import { problemType, requestProblem, requestProblemKinds } from './request-problems';

/** A request line and headers may have this many bytes together: Node's default. */
export const maxHeaderBytes = 16_384;

const malformed = ['REQUEST_MALFORMED', 'The bytes are not a valid HTTP/1.1 request.'] as const;

/** The problem and its sentence for each code of Node's parser and timers; all other codes mean a malformed request. */
const problems: Readonly<Record<string, readonly [keyof typeof requestProblemKinds, string] | undefined>> = {
  HPE_HEADER_OVERFLOW: [
    'HEADERS_TOO_LARGE',
    `The request line and the headers may have at most ${maxHeaderBytes / 1024} KiB together.`,
  ],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['REQUEST_MALFORMED', 'The extensions of the chunks are too long.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['REQUEST_TIMEOUT', 'The request did not arrive completely within the time limit.'],
};

/** Further bytes of the client are discarded for this time, in ms, because the reset after a close could destroy the answer. */
const lingerMs = 2000;

/** The connections that are being closed. Node reports an error for each piece that arrives on them; it is ignored. */
const refused = new WeakSet<Socket>();

/** Answers a request that Node could not parse, after the answers to earlier requests, and closes the connection. */
export function refuseUnparsed({ code = '' }: Error & { code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || socket.destroyed || refused.has(socket)) return;
  refused.add(socket);
  answerUnparsed(socket, () => {
    socket.end(answerTo(code));
    const timer = setTimeout(() => socket.destroy(), lingerMs).unref();
    socket.once('close', () => clearTimeout(timer));
  });
}

function answerTo(code: string): string {
  const [kind, sentence] = problems[code] ?? malformed;
  const { status } = requestProblemKinds[kind];
  const body = requestProblem(kind, sentence);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
