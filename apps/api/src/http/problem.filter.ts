import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, NotFoundException } from '@nestjs/common';
import { isDatabaseAway } from '@pns/persistence';
import { redisFullSentence } from '@pns/redis';
import { log, PnsError } from '@pns/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { defaultBodyBytes } from './body-parsers';
import { KnownPaths, unknownPathSentence } from './known-paths';
import { problemKinds, problemOf, type Problem, type ProblemKind } from './problems';
import { isRedisAway } from './redis-away';
import { RequestError } from './request-error';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Writes every error answer of this route, for a protocol with its own error format. */
    readonly answerError?: (error: unknown, request: FastifyRequest, reply: FastifyReply) => void;
    /** The `Retry-After` of every 503 on this route, in seconds, for a sender that does not retry without this header. */
    readonly retryAfterSeconds?: number;
  }
}

/** Answers every error as an RFC 9457 problem. An unexpected error is logged; the answer contains no details of it. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly knownPaths: KnownPaths) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const isUnrouted = error instanceof NotFoundException;
    const reason = isUnrouted ? this.knownPaths.errorFor(request.method, request.url) : error;
    answerProblem(reason, request, http.getResponse<FastifyReply>());
  }
}

/** Sends `error` as a problem, or in the error format of the route. */
export function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { answerError, retryAfterSeconds: ofRoute } = request.routeOptions.config;
  if (answerError !== undefined) return answerError(error, request, reply);
  const problem = problemFor(error, request.routeOptions.bodyLimit);
  if (problem.status === 500) logUnexpected(error, request);
  const { retryAfterSeconds: ofKind }: ProblemKind = problemKinds[problem.code];
  const retryAfterSeconds = problem.status === 503 ? (ofRoute ?? ofKind) : ofKind;
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds));
  if (error instanceof RequestError) void reply.headers(error.headers);
  // Fastify closes the connection of a body that it did not read, and the reset can discard the answer. So its `connection`
  // header is removed, and `boundUnreadBody` ends the connection.
  if (!request.raw.complete) void reply.removeHeader('connection');
  void reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

/** Maps `error` to a problem. `bodyLimit` is the limit of the route, in bytes. */
export function problemFor(error: unknown, bodyLimit = defaultBodyBytes): Problem {
  if (error instanceof PnsError) {
    return problemOf(error.code, error.message, error instanceof RequestError ? error.errors : []);
  }
  const fullSentence = redisFullSentence(error);
  if (fullSentence !== undefined) return problemOf('REDIS_FULL', fullSentence);
  if (isRedisAway(error)) return problemOf('REDIS_UNREACHABLE', 'Redis is not reachable; retry in a moment.');
  if (isDatabaseAway(error)) return problemOf('DATABASE_UNREACHABLE', 'Postgres is not reachable; retry in a moment.');
  return (
    frameworkProblem(statusOf(error), bodyLimit) ??
    problemOf('INTERNAL', 'The request could not be completed. The log of the server contains the reason.')
  );
}

/** The status that Nest, Fastify or the static file server gave to a request that it refused. */
export function statusOf(error: unknown): number | undefined {
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown }).statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** The problem of a request that the framework refused. The framework's message is not used, because it may name internals. */
function frameworkProblem(status: number | undefined, bodyLimit: number): Problem | undefined {
  switch (status) {
    case 403: // a path that would leave the folder of static files
    case 404:
      return problemOf('PATH_UNKNOWN', unknownPathSentence);
    case 413: {
      const size = bodyLimit < 2 ** 20 ? `${bodyLimit / 2 ** 10} KiB` : `${bodyLimit / 2 ** 20} MiB`;
      return problemOf('BODY_TOO_LARGE', `The body may have at most ${size} here.`);
    }
    case 414:
      return problemOf('PATH_INVALID', 'A part of the path is longer than any valid value.');
    case 415:
      return problemOf('MEDIA_TYPE_UNSUPPORTED', 'Send the body as application/json, and say so in Content-Type.');
    case 503:
      return problemOf('STOPPING', 'This process is stopping; send the request again.');
    default:
      if (status === undefined || status < 400 || status > 499) return undefined;
      return problemOf('REQUEST_MALFORMED', 'The request cannot be read; check its URL, headers and body.');
  }
}

export function logUnexpected(error: unknown, request: FastifyRequest): void {
  log.error({ event: 'request.failed', method: request.method, route: request.routeOptions.url, err: error });
}
