import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditStore } from '@pns/persistence';
import { httpServer } from '@pns/runtime/app';
import type { SessionTokens } from '@pns/sessions';
import { installAudit } from './audit/audit.hook';
import { installAuthentication } from './authentication/authentication.hook';
import type { Authenticator } from './authentication/authenticator';
import type { RateLimits } from './authentication/rate-limits';
import type { ClientAccounts } from './clients/client-accounts';
import { installPageOrigins } from './clients/page-origins.hook';
import { defaultBodyBytes, installBodyParsers } from './http/body-parsers';
import { KnownPaths } from './http/known-paths';
import { answerProblem } from './http/problem.filter';
import { installTraces } from './http/request-traces';
import type { WebhookProducers } from './webhook-producers/webhook-producers';

/** Time limit for a request to arrive completely, in ms; also for a stream of NDJSON. */
const requestTimeoutMs = 300_000;

/** Longest path parameter, in characters. The longest one is the name of a property, which has at most 400 characters. */
const maxParameterLength = 1200;

/** Services of the server. Each is resolved at the first request that needs it, because Nest creates them after the server. */
export interface ServerParts {
  readonly authenticator: () => Authenticator;
  readonly sessions: () => SessionTokens;
  readonly rateLimits: () => RateLimits;
  readonly audit: () => AuditStore;
  readonly accounts: () => ClientAccounts;
  readonly producers: () => WebhookProducers;
}

/** The HTTP server of the API: body parsers, authentication, audit and error answers. */
export function apiServer({ authenticator, sessions, rateLimits, audit, accounts, producers }: ServerParts): {
  adapter: FastifyAdapter;
  knownPaths: KnownPaths;
} {
  const adapter = httpServer({
    skipMiddie: true, // PNS has no middleware, and the check for it would cost time in each request
    bodyLimit: defaultBodyBytes,
    requestTimeout: requestTimeoutMs,
    genReqId: requestIdOf,
    routerOptions: { maxParamLength: maxParameterLength },
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      answerProblem(error, request, reply);
    },
  });
  const server = adapter.getInstance();
  const knownPaths = new KnownPaths(server);
  const unrouted = ({ method, url }: FastifyRequest): Error => knownPaths.errorFor(method, url);
  installPageOrigins(server, accounts);
  installAuthentication(server, { authenticator, sessions, rateLimits, producers, unrouted });
  installTraces(server);
  installAudit(server, audit);
  installBodyParsers(server);
  return { adapter, knownPaths };
}

/** The `X-Request-Id` of the request if it is valid, else a new id. */
function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\x21-\x7e]{1,100}$/.test(given) ? given : randomUUID();
}
