import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyServerOptions } from 'fastify';
import { guardedErrors, guardRequests } from './http-guard';
import { measureRequests } from './http-metrics';
import { maxHeaderBytes, refuseUnparsed } from './unparsed-requests';

/** The headers of a request must arrive within this time, in ms. */
const headersTimeoutMs = 15_000;

/** Interval of the check for requests that take too long, in ms. */
const connectionsCheckingIntervalMs = 5000;

/**
 * Replaces Fastify's two compilers of schemas, because routes are checked with zod. Fastify would load the compilers at each
 * start: 250 modules, which take 120 ms of CPU time.
 */
const noSchemas = (): never => {
  throw new Error('A route has a schema of Fastify; use zod instead.');
};

/** An HTTP server with the limits and checks that all apps share. It reads no bodies until parsers are added. */
export function httpServer(options: FastifyServerOptions & { readonly skipMiddie?: boolean } = {}): FastifyAdapter {
  const adapter = new FastifyAdapter({
    requestTimeout: headersTimeoutMs,
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    ...options,
    // Requests during the stop are served, and the answer closes the connection. Fastify's own 503 would have no Retry-After.
    return503OnClosing: false,
    clientErrorHandler: refuseUnparsed,
    frameworkErrors: guardedErrors(options.frameworkErrors),
    http: {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: connectionsCheckingIntervalMs,
    },
  });
  const server = adapter.getInstance();
  // 0 means no limit. By default Node ignores all headers after the first thousand, and a second Host header may be among them.
  // `maxHeaderSize` limits the bytes of all headers.
  server.server.maxHeadersCount = 0;
  server.removeAllContentTypeParsers();
  measureRequests(server);
  guardRequests(server);
  return adapter;
}
