import type { FastifyInstance, FastifyReply, FastifyServerOptions } from 'fastify';
import { inTurn } from './pipelined-requests';
import { requestFault } from './request-fault';
import { problemType, requestProblem } from './request-problems';
import { boundUnreadBody } from './unread-body';

type FrameworkErrors = NonNullable<FastifyServerOptions['frameworkErrors']>;

/**
 * Refuses malformed requests, and limits unread bodies and pipelined requests. Call it before any other hook is added, so that
 * the hooks of this function run first.
 */
export function guardRequests(server: FastifyInstance): void {
  server.addHook('onRequest', (request, reply, done) => inTurn(request.raw, reply.raw, done));
  server.addHook('onRequest', (request, reply, done) => {
    boundUnreadBody(request.raw, reply.raw);
    const sentence = requestFault(request.raw);
    if (sentence === undefined) return done();
    void reply.code(400).type(problemType).send(requestProblem('REQUEST_MALFORMED', sentence));
  });
  // Node does not emit `request` for a request with an unknown `Expect` header, and would answer it itself.
  server.server.on('checkExpectation', (request, response) => {
    inTurn(request, response, () => {
      boundUnreadBody(request, response);
      response.writeHead(417).end();
    });
  });
}

/**
 * Limits unread bodies and pipelined requests where Fastify's router refuses a request, because no hook runs for such a request.
 * `answer` sends the refusal.
 */
export function guardedErrors(answer: FrameworkErrors = answerMalformed): FrameworkErrors {
  return (error, request, reply) => {
    inTurn(request.raw, reply.raw, () => {
      boundUnreadBody(request.raw, reply.raw);
      answer(error, request, reply);
    });
  };
}

const answerMalformed = (_error: unknown, _request: unknown, reply: FastifyReply): void => {
  void reply
    .code(400)
    .type(problemType)
    .send(requestProblem('REQUEST_MALFORMED', 'The path contains a malformed escape, or a part of it is too long.'));
};
