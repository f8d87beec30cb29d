import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, NotFoundException } from '@nestjs/common';
import { isDatabaseAway } from '@pns/persistence';
import { redisFullSentence } from '@pns/redis';
import { log, PnsError } from '@pns/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { defaultBodyBytes } from './body-parsers';
import { KnownPaths, nothingThere } from './known-paths';
import { problemKinds, problemOf, type Problem, type ProblemKind } from './problems';
import { isRedisAway } from './redis-away';
import { RequestError } from './request-error';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers whatever ends a request of this route early, for a protocol that has errors of its own. */
    readonly answerError?: (error: unknown, request: FastifyRequest, reply: FastifyReply) => void;
    /** For a sender that gives up unless it may come back after this time, whichever problem of ours it is. */
    readonly retryAfterSeconds?: number;
  }
}

/** Answers whatever ends a request early as an RFC 9457 problem. What we did not expect is logged and not told. */
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

/** Sends the problem that `error` amounts to, unless the route words its errors itself. */
export function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { answerError, retryAfterSeconds: ofRoute } = request.routeOptions.config;
  if (answerError !== undefined) return answerError(error, request, reply);
  const problem = problemFor(error, request.routeOptions.bodyLimit);
  if (problem.status === 500) logUnexpected(error, request);
  const { retryAfterSeconds: ofKind }: ProblemKind = problemKinds[problem.code];
  const retryAfterSeconds = problem.status === 503 ? (ofRoute ?? ofKind) : ofKind;
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds));
  if (error instanceof RequestError) void reply.headers(error.headers);
  // Fastify closes the connection of a body that it did not read, and the reset may take the answer with it.
  // `boundUnreadBody` ends the connection instead.
  if (!request.raw.complete) void reply.removeHeader('connection');
  void reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

/** The problem that `error` amounts to. `bodyLimit` is the route's, in bytes. */
export function problemFor(error: unknown, bodyLimit = defaultBodyBytes): Problem {
  if (error instanceof PnsError) {
    return problemOf(error.code, error.message, error instanceof RequestError ? error.errors : []);
  }
  const fullSentence = redisFullSentence(error);
  if (fullSentence !== undefined) return problemOf('REDIS_FULL', fullSentence);
  if (isRedisAway(error)) return problemOf('REDIS_UNREACHABLE', 'Redis is out of reach; try again in a moment.');
  if (isDatabaseAway(error))
    return problemOf('DATABASE_UNREACHABLE', 'Postgres is out of reach; try again in a moment.');
  return (
    frameworkProblem(statusOf(error), bodyLimit) ??
    problemOf('INTERNAL', 'The request could not be completed; our log tells us why.')
  );
}

/** The status that Nest, Fastify or the server of static files gave to a request that they refused. */
export function statusOf(error: unknown): number | undefined {
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown }).statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** What was refused before it reached us; the framework's own words may name internals. */
function frameworkProblem(status: number | undefined, bodyLimit: number): Problem | undefined {
  switch (status) {
    case 403: // a path that would leave the folder of static files
    case 404:
      return problemOf('PATH_UNKNOWN', nothingThere);
    case 413: {
      const size = bodyLimit < 2 ** 20 ? `${bodyLimit / 2 ** 10} KiB` : `${bodyLimit / 2 ** 20} MiB`;
      return problemOf('BODY_TOO_LARGE', `The body may have at most ${size} here.`);
    }
    case 414:
      return problemOf('PATH_INVALID', 'A part of the path is longer than anything that could be meant by it.');
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
