import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import type { PnsErrorCode } from '@pns/runtime';
import { problemKinds, problemOf } from './problems';

const problem = z.object({
  type: z.string().meta({ format: 'uri-reference' }),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('One sentence that says what is wrong and what to do.'),
  code: z.string().describe('Stable. Programs should decide by it.'),
  errors: z.array(z.looseObject({})).optional().describe('The single faults.'),
});

/** The body of every error answer (RFC 9457). */
class Problem extends createZodDto(problem) {}

/** Adds problems to the OpenAPI description of a route. Several decorators on one route add up. */
export function ApiProblems(...codes: readonly PnsErrorCode[]): MethodDecorator {
  return (target, key, descriptor) => {
    const handler = descriptor.value as object;
    const all = [...(codesOf.get(handler) ?? []), ...codes.flatMap(withNeighbours)];
    codesOf.set(handler, all);
    applyDecorators(ApiExtraModels(Problem), ...responsesFor(all))(target, key, descriptor);
  };
}

/** Adds `REDIS_FULL` to `REDIS_UNREACHABLE`, because a route that needs Redis can also fail when Redis is full. */
function withNeighbours(code: PnsErrorCode): PnsErrorCode[] {
  return code === 'REDIS_UNREACHABLE' ? [code, 'REDIS_FULL'] : [code];
}

const codesOf = new WeakMap<object, readonly PnsErrorCode[]>();

function exampleOf([code]: readonly PnsErrorCode[]): object | undefined {
  return code && problemOf(code, `${problemKinds[code].title}.`);
}

function responsesFor(codes: readonly PnsErrorCode[]): MethodDecorator[] {
  const statuses = [...new Set(codes.map((code) => problemKinds[code].status))];
  return statuses.map((status) => {
    const ofStatus = codes.filter((code) => problemKinds[code].status === status);
    return ApiResponse({
      status,
      description: ofStatus.map((code) => `\`${code}\`: ${problemKinds[code].title}.`).join(' '),
      content: {
        'application/problem+json': { schema: { $ref: getSchemaPath(Problem) }, example: exampleOf(ofStatus) },
      },
    });
  });
}
