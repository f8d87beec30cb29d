import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Maximum number of requests of one connection that may wait for the answer to an earlier request. */
export const maxPipelinedRequests = 100;

/** The unanswered requests of a connection. */
interface Unanswered {
  /** The newest request, which the parser may still read, and its answer. */
  newest: IncomingMessage;
  answer: ServerResponse;
  /** Functions that start the waiting requests, in order. Each is called when the answer to the previous request was sent. */
  readonly waiting: (() => void)[];
}

const connections = new WeakMap<Socket, Unanswered>();

/**
 * Calls `start` after the answers to all earlier requests of the connection were sent; Node itself would start pipelined requests
 * at once and buffer their answers. A connection with too many waiting requests is destroyed, and `start` is not called.
 */
export function inTurn(request: IncomingMessage, response: ServerResponse, start: () => void): void {
  const { socket } = request;
  const others = connections.get(socket);
  if (others !== undefined && others.waiting.length >= maxPipelinedRequests) return void socket.destroy();
  response.once('close', () => next(socket));
  if (others === undefined) {
    connections.set(socket, { newest: request, answer: response, waiting: [] });
    return start();
  }
  others.newest = request;
  others.answer = response;
  others.waiting.push(start);
}

/**
 * Calls `refuse`, which answers bytes that cannot be parsed, after all earlier answers. If the bytes are in the body of the
 * newest request, `refuse` replaces the answer to that request; if that answer has begun, the connection is destroyed.
 */
export function answerUnparsed(socket: Socket, refuse: () => void): void {
  const unanswered = connections.get(socket);
  if (unanswered === undefined) return refuse();
  const { newest, answer, waiting } = unanswered;
  if (newest.complete) waiting.push(refuse);
  else if (waiting.length > 0) waiting.splice(-1, 1, refuse);
  else if (answer.headersSent) socket.destroy();
  else refuse();
}

function next(socket: Socket): void {
  const start = socket.destroyed ? undefined : connections.get(socket)?.waiting.shift();
  if (start === undefined) connections.delete(socket);
  else start();
}
