import { traces } from '@pns/runtime';
import { traceContextOf, type TraceContext } from '@pns/transport-contract';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** The span of the request; undefined while no traces are recorded. Only requests that post notifications have one. */
    trace?: TraceContext;
  }
}

/**
 * Records a span for each request that posts notifications, as a child of the span in its headers. Call it after the authentication is
 * installed, so that refused senders cause no spans.
 */
export function installTraces(server: FastifyInstance): void {
  server.decorateRequest('trace');
  const recorder = traces();
  if (recorder === undefined) return;
  server.addHook('onRequest', (request, reply, done) => {
    const { url: route = '', config } = request.routeOptions;
    if (config.scopes?.every((scope) => scope === 'ingest') !== true) return done();
    const { method, protocol, headers } = request;
    const { traceparent, tracestate } = headers;
    const span = recorder.start({
      name: `${method} ${route}`,
      kind: 'server',
      parent: traceContextOf(traceparent, tracestate),
      attributes: { 'http.request.method': method, 'http.route': route, 'url.path': route, 'url.scheme': protocol },
    });
    request.trace = span.trace;
    // Emitted in any case; Fastify's `onResponse` is not when the sender closes the connection.
    reply.raw.once('close', () => {
      const status = reply.raw.writableFinished ? reply.raw.statusCode : undefined;
      const fault = status === undefined ? 'aborted' : status >= 500 ? String(status) : undefined;
      span.end({ 'http.response.status_code': status, 'error.type': fault }, fault);
    });
    done();
  });
}
