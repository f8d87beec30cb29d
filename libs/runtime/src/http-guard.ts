import type { FastifyInstance } from 'fastify';
import { inTurn } from './pipelined-requests';
import { requestFault } from './request-fault';
import { boundUnreadBody } from './unread-body';

/**
 * Refuses what no server of ours may serve, before anything else looks at the request, and bounds the bodies and answers that
 * nobody reads. Call it before any other hook is added.
 */
export function guardRequests(server: FastifyInstance): void {
  server.addHook('onRequest', (request, reply, done) => inTurn(request.raw, reply.raw, done));
  server.addHook('onRequest', (request, reply, done) => {
    boundUnreadBody(request.raw, reply.raw);
    const sentence = requestFault(request.raw);
    if (sentence === undefined) return done();
    void reply
      .code(400)
      .type('application/problem+json')
      .send(JSON.stringify(malformed(sentence)));
  });
}

/** The problem (RFC 9457) that answers a request which cannot be routed. */
function malformed(sentence: string): object {
  const type = 'urn:pns:problem:request-malformed';
  const title = 'The request cannot be read';
  return { type, title, status: 400, detail: sentence, code: 'REQUEST_MALFORMED' };
}
