import { Controller, Get, Headers, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { HistoryReader } from '@pns/history';
import { identifiedBy } from '@pns/transport-contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { assertContextAccess } from '../authentication/context-access';
import { Requires } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { RequestError } from '../http/request-error';
import { producerOf } from '../notifications/cloud-event';
import { csvOf, sendAsCsv, wantsCsv } from './csv';
import {
  historyCells,
  historyColumns,
  HistoryList,
  HistoryPath,
  HistoryQuery,
  HistoryReachQuery,
  historyView,
  NamedNotification,
} from './history.dto';

@ApiTags('History')
@Controller('v1/notifications')
export class HistoryController {
  constructor(private readonly history: HistoryReader) {}

  @Get()
  @Requires(['ingest', 'admin'], { contextIn: 'query' })
  @ApiOperation({
    summary: 'List the history of the notifications of a user, newest first',
    description:
      'A milestone is shown at most two seconds after it happened. `com.openexchange.pns.history` decides which notifications are recorded, and `com.openexchange.pns.history.retention` how long they are shown. Payloads are not kept. With `Accept: text/csv` the answer is CSV, one row for each notification, and a `Link` header leads to the next page.',
  })
  @ApiProduces('application/json', 'text/csv')
  @ApiOkResponse({ type: HistoryList })
  @ApiProblems('QUERY_INVALID', 'CURSOR_INVALID', 'OVERLOADED')
  async list(
    @Query() { limit, cursor, ...filter }: HistoryQuery,
    @Headers('accept') accept: string | undefined,
    @Req() { url }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<HistoryList | string> {
    const { items, nextCursor } = await this.history.list(filter, { limit, cursor });
    if (!wantsCsv(accept)) {
      return { items: items.map(historyView), ...(nextCursor === undefined ? {} : { nextCursor }) };
    }
    sendAsCsv(reply, url, nextCursor);
    return csvOf(historyColumns, items.map(historyCells));
  }

  @Get(':id')
  @Requires(['ingest', 'admin'], { contextIn: 'handler' })
  @ApiOperation({
    summary: 'Read the history of a notification',
    description:
      'Answers the newest notification with this id. An id that a producer chose may belong to notifications of several users: CloudEvents of several sources may have it too. `others` lists them, and `context`, `user` and `source` select one. A key that is restricted to contexts gets only notifications of these contexts.',
  })
  @ApiOkResponse({ type: NamedNotification })
  @ApiProblems('PATH_INVALID', 'QUERY_INVALID', 'NOTIFICATION_NOT_FOUND', 'OVERLOADED')
  async get(
    @Param() { id }: HistoryPath,
    @Query() { source, ...reach }: HistoryReachQuery,
    @Req() request: FastifyRequest,
  ): Promise<NamedNotification> {
    if (reach.context !== undefined) assertContextAccess(request, reach.context);
    const named = { id, ...(source !== undefined && { producer: producerOf(source) }) };
    const [newest, ...others] = await this.history.named(named, { ...reach, contexts: request.caller?.contexts });
    if (newest === undefined) throw await this.notFound();
    return {
      ...historyView(newest),
      others: others.map(({ notification, context, user, at }) => {
        const { producer } = identifiedBy(notification);
        return { ...(producer !== undefined && { producer }), context, user, received: new Date(at).toISOString() };
      }),
    };
  }

  private async notFound(): Promise<RequestError> {
    const [gap] = await this.history.gaps();
    const lost =
      gap === undefined
        ? ''
        : ` Records between ${new Date(gap.since).toISOString()} and ${new Date(gap.until).toISOString()} were lost.`;
    const sentence = `The history contains no notification with this id. It was not accepted, its retention has ended, or its history is off (com.openexchange.pns.history).${lost}`;
    return new RequestError('NOTIFICATION_NOT_FOUND', sentence);
  }
}
