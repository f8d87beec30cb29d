import { Controller, Get, Headers, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { UsageStore } from '@pns/persistence';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Requires } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { csvOf, sendAsCsv, wantsCsv } from './csv';
import { usageColumns, UsageList, UsageQuery, usageView } from './usage.dto';

@ApiTags('History')
@Controller('v1/usage')
export class UsageController {
  constructor(private readonly usage: UsageStore) {}

  @Get()
  @Requires(['ingest', 'admin'], { contextIn: 'query' })
  @ApiOperation({
    summary: 'Count notifications and deliveries by hour or day, oldest first',
    description:
      'Periods without counts are left out. Notifications whose history is off (`com.openexchange.pns.history`) are not counted. A notification counts when it was accepted, a delivery when it has ended. A key that is restricted to contexts must name one of them. With `Accept: text/csv` the answer is CSV, and a `Link` header leads to the next page.',
  })
  @ApiProduces('application/json', 'text/csv')
  @ApiOkResponse({ type: UsageList })
  @ApiProblems('QUERY_INVALID', 'CURSOR_INVALID', 'OVERLOADED')
  async list(
    @Query() { limit, cursor, ...filter }: UsageQuery,
    @Headers('accept') accept: string | undefined,
    @Req() { url }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UsageList | string> {
    const { by } = filter;
    const { items, nextCursor } = await this.usage.list(filter, { limit, cursor });
    const views = items.map((item) => usageView(item, by));
    if (!wantsCsv(accept)) return { items: views, ...(nextCursor === undefined ? {} : { nextCursor }) };
    sendAsCsv(reply, url, nextCursor);
    const columns = usageColumns(by);
    return csvOf(
      columns,
      views.map((view) => columns.map((column) => view[column as keyof typeof view])),
    );
  }
}
