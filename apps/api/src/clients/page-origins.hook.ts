import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ClientAccounts } from './client-accounts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether web pages may read all answers of this route, also errors. The client in the path must allow their origin. */
    readonly allowsPages?: true;
  }
}

/**
 * Sends the headers that let a browser pass an answer on to a web page. This must be installed before the authentication,
 * so that a page can also read why a request was refused. Source: Fetch Standard, "CORS protocol".
 */
export function installPageOrigins(server: FastifyInstance, accounts: () => ClientAccounts): void {
  server.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.config.allowsPages === true) allowOrigin(request, reply, accounts());
    done();
  });
}

/**
 * Allows the origins that the client lists, or all origins if it has no list. Browsers add no credentials of their own, so every
 * origin is harmless.
 */
function allowOrigin(
  { params, headers: { origin } }: FastifyRequest,
  reply: FastifyReply,
  accounts: ClientAccounts,
): void {
  const { origins } = accounts.webpush((params as { client: string }).client);
  void reply.headers({ vary: 'origin', 'access-control-expose-headers': 'retry-after' });
  if (origins === undefined) void reply.header('access-control-allow-origin', '*');
  else if (origin !== undefined && origins.includes(origin)) void reply.header('access-control-allow-origin', origin);
}
