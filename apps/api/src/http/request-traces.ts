import { traces } from '@pns/runtime';
import { traceContextOf, type TraceContext } from '@pns/transport-contract';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

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
  if (traces() === undefined) return;
  server.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.config.scopes?.every((scope) => scope === 'ingest') === true)
      recordRequest(request, reply);
    done();
  });
}

/**
 * Records a span for the request from now on, and returns it; undefined while no traces are recorded. A route that authenticates
 * its senders itself calls this function afterwards.
 */
export function recordRequest(request: FastifyRequest, reply: FastifyReply): TraceContext | undefined {
  const { method, protocol, headers } = request;
  const { url: route = '' } = request.routeOptions;
  const { traceparent, tracestate } = headers;
  const span = traces()?.start({
    name: `${method} ${route}`,
    kind: 'server',
    parent: traceContextOf(traceparent, tracestate),
    attributes: { 'http.request.method': method, 'http.route': route, 'url.path': route, 'url.scheme': protocol },
  });
  if (span === undefined) return undefined;
  request.trace = span.trace;
  // `close` is always emitted. Fastify's `onResponse` is not emitted when the sender closes the connection.
  reply.raw.once('close', () => {
    const status = reply.raw.writableFinished ? reply.raw.statusCode : undefined;
    const fault = status === undefined ? 'aborted' : status >= 500 ? String(status) : undefined;
    span.end({ 'http.response.status_code': status, 'error.type': fault }, fault);
  });
  return span.trace;
}
