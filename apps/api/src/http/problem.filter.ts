import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, NotFoundException } from '@nestjs/common';
import { isDatabaseAway } from '@pns/persistence';
import { log, PnsError } from '@pns/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KnownPaths } from './known-paths';
import { isProblemCode, problemKinds, problemOf, type Problem, type ProblemCode, type ProblemKind } from './problems';
import { isRedisAway } from './redis-away';
import { RequestError } from './request-error';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers whatever ends a request of this route early, for a protocol that has errors of its own. */
    readonly answerError?: (error: unknown, request: FastifyRequest, reply: FastifyReply) => void;
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
  const { answerError } = request.routeOptions.config;
  if (answerError !== undefined) return answerError(error, request, reply);
  const problem = problemFor(error);
  if (problem.code === 'INTERNAL') logUnexpected(error, request);
  const { retryAfterSeconds }: ProblemKind = problemKinds[problem.code];
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds));
  if (error instanceof RequestError) void reply.headers(error.headers);
  void reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

/** The problem that `error` amounts to. */
export function problemFor(error: unknown): Problem {
  if (error instanceof PnsError && isProblemCode(error.code)) {
    return problemOf(error.code, error.message, error instanceof RequestError ? error.errors : []);
  }
  if (isRedisAway(error)) return problemOf('REDIS_UNREACHABLE', 'Redis is out of reach; try again in a moment.');
  if (isDatabaseAway(error))
    return problemOf('DATABASE_UNREACHABLE', 'Postgres is out of reach; try again in a moment.');
  return frameworkProblem(error) ?? problemOf('INTERNAL', 'The request could not be completed; our log tells us why.');
}

const frameworkCodes: Readonly<Record<number, [ProblemCode, string]>> = {
  400: ['REQUEST_MALFORMED', 'The request cannot be read; check its URL, headers and body.'],
  413: ['BODY_TOO_LARGE', 'The body may have at most 16 MiB; send several requests or application/x-ndjson.'],
  414: ['PATH_INVALID', 'A part of the path is longer than anything that could be meant by it.'],
  415: ['MEDIA_TYPE_UNSUPPORTED', 'Send the body as application/json, and say so in the Content-Type header.'],
};

/** What Nest or Fastify refused before it reached us; their own words may name internals. */
function frameworkProblem(error: unknown): Problem | undefined {
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: number }).statusCode;
  const [code, sentence] = frameworkCodes[status ?? 0] ?? [];
  return code === undefined || sentence === undefined ? undefined : problemOf(code, sentence);
}

export function logUnexpected(error: unknown, request: FastifyRequest): void {
  log.error({ event: 'request.failed', method: request.method, route: request.routeOptions.url, err: error });
}
