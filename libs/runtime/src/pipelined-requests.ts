import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection that may wait for the answer to an earlier one. */
export const maxPipelinedRequests = 100;

/** The waiting requests of each connection, in order. */
const waiting = new WeakMap<Socket, (() => void)[]>();

/**
 * Calls `start` after the answers to all earlier requests of the connection were sent; Node itself would start pipelined requests
 * at once and buffer their answers. A connection with too many waiting requests is destroyed, and `start` is not called.
 */
export function inTurn({ socket }: IncomingMessage, response: ServerResponse, start: () => void): void {
  const others = waiting.get(socket);
  if (others !== undefined && others.length >= maxPipelinedRequests) return void socket.destroy();
  response.once('close', () => next(socket));
  if (others !== undefined) return void others.push(start);
  waiting.set(socket, []);
  start();
}

function next(socket: Socket): void {
  const start = socket.destroyed ? undefined : waiting.get(socket)?.shift();
  if (start === undefined) waiting.delete(socket);
  else start();
}
