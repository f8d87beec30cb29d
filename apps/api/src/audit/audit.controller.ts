import { Controller, Get, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AuditStore } from '@pns/persistence';
import type { FastifyRequest } from 'fastify';
import { assertContextAccess } from '../authentication/context-access';
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
    summary: 'List writes by administrators, newest first',
    description:
      'Contains every write by a key with scope admin. When a device token moves from one user to another, the log of each context has an entry: `subscription.lost` and `subscription.taken-over`. A key that is restricted to contexts gets only the entries of these contexts. A secret is replaced by `sha256:` and the first six digits of its SHA-256.',
  })
  @ApiOkResponse({ type: AuditList })
  @ApiProblems('QUERY_INVALID', 'CURSOR_INVALID')
  async list(
    @Query() { limit, cursor, key, ...filter }: AuditQuery,
    @Req() request: FastifyRequest,
  ): Promise<AuditList> {
    if (filter.context !== undefined) assertContextAccess(request, filter.context);
    const wanted = { ...filter, keyId: key, contexts: request.caller?.contexts };
    const { items, nextCursor } = await this.audit.list(wanted, { limit, cursor });
    return { items: items.map(auditView), ...(nextCursor === undefined ? {} : { nextCursor }) };
  }
}
