import { Controller, Get, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AuditStore } from '@pns/persistence';
import type { FastifyRequest } from 'fastify';
import { assertGoodFor } from '../authentication/context-access';
import { Requires } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { AuditList, AuditQuery, auditView } from './audit.dto';

@ApiTags('Audit log')
@Controller('v1/audit')
export class AuditController {
  constructor(private readonly audit: AuditStore) {}

  @Get()
  @Requires('admin', { contextIn: 'handler' })
  @ApiOperation({
    summary: 'What administrators wrote, newest first',
    description:
      'Every write by a key of scope admin, and of every device token that went from one user to another what each side may know: `subscription.lost` and `subscription.taken-over`. A key that is restricted to contexts sees only what belongs to these. Secrets are masked: `sha256:` and the first six digits of their SHA-256.',
  })
  @ApiOkResponse({ type: AuditList })
  @ApiProblems('QUERY_INVALID', 'CURSOR_INVALID')
  async list(
    @Query() { limit, cursor, key, ...filter }: AuditQuery,
    @Req() request: FastifyRequest,
  ): Promise<AuditList> {
    if (filter.context !== undefined) assertGoodFor(request, filter.context);
    const wanted = { ...filter, keyId: key, contexts: request.caller?.contexts };
    const { items, nextCursor } = await this.audit.list(wanted, { limit, cursor });
    return { items: items.map(auditView), ...(nextCursor === undefined ? {} : { nextCursor }) };
  }
}
