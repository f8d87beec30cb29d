import { Body, Controller, Delete, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { retryFailed } from '@pns/delivery';
import { FailedDeliveryStore, type FailedDeliveryFilter } from '@pns/persistence';
import { Queues } from '@pns/queue';
import { Requires } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { RequestError } from '../http/request-error';
import {
  DeletedCount,
  DeliveryFilterQuery,
  DeliveryList,
  DeliveryQuery,
  DeliveryRetry,
  deliveryView,
  RetriedCount,
} from './deliveries.dto';

/** Maximum number of deliveries in one request, and in one transaction. */
const [mostAtOnce, batchSize] = [10_000, 500];

@ApiTags('Deliveries')
@Controller('v1/deliveries')
export class DeliveriesController {
  constructor(
    private readonly failed: FailedDeliveryStore,
    private readonly queues: Queues,
  ) {}

  @Get()
  @Requires('admin', { contextIn: 'query' })
  @ApiOperation({
    summary: 'List deliveries that failed and get no more attempts, oldest first',
    description:
      'They are kept until they are sent again, their user is erased, or `com.openexchange.pns.failed.retention` has passed.',
  })
  @ApiOkResponse({ type: DeliveryList })
  @ApiProblems('QUERY_INVALID', 'CURSOR_INVALID')
  async list(
    @Query() { limit, cursor, id: ids, failedBefore: before, ...filter }: DeliveryQuery,
  ): Promise<DeliveryList> {
    const { items, nextCursor } = await this.failed.list({ ...filter, ids, before }, { limit, cursor });
    return { items: items.map(deliveryView), ...(nextCursor === undefined ? {} : { nextCursor }) };
  }

  @Delete()
  @Requires('admin', {
    contextIn: 'query',
    auditedAs: ({ url }) => `${url}${url.includes('?') ? '&' : '?'}limit=500`,
  })
  @ApiOperation({
    summary: 'Delete failed deliveries that match all filters; at least one filter is needed',
    description: `At most ${mostAtOnce} per request, oldest first; the answer contains the number and whether more match. They cannot be sent again.`,
  })
  @ApiOkResponse({ type: DeletedCount })
  @ApiProblems('QUERY_INVALID', 'FILTER_MISSING')
  async removeMatching(@Query() { id: ids, failedBefore, ...filter }: DeliveryFilterQuery): Promise<DeletedCount> {
    if ([ids, failedBefore, ...Object.values(filter)].every((value) => value === undefined)) {
      const sentence =
        'Set at least one of id, context, user, client, transport, topic, outcome, notification and failedBefore.';
      throw new RequestError('FILTER_MISSING', sentence);
    }
    const { handled: removed, ...rest } = await this.handleAll({ ...filter, ids }, failedBefore, (all, limit) =>
      this.failed.take(all, limit, () => Promise.resolve()),
    );
    return { removed, ...rest };
  }

  @Post('retry')
  @HttpCode(200)
  @Requires('admin', { contextIn: 'body' })
  @ApiOperation({
    summary: 'Send failed deliveries again',
    description: `Sends the deliveries that match all given filters, oldest first, at most ${mostAtOnce} per request; the answer contains the number and whether more match. They keep their ids, so a receiver can recognise duplicates. Their count of attempts starts again.`,
  })
  @ApiOkResponse({ type: RetriedCount })
  @ApiProblems('BODY_MALFORMED', 'BODY_MISSING', 'BODY_INVALID', 'MEDIA_TYPE_UNSUPPORTED', 'REDIS_UNREACHABLE')
  async retry(@Body() { failedBefore, ...filter }: DeliveryRetry): Promise<RetriedCount> {
    const { handled: retried, ...rest } = await this.handleAll(filter, failedBefore, (all, limit) =>
      retryFailed(this.queues, this.failed, all, limit),
    );
    return { retried, ...rest };
  }

  /**
   * Repeats `step`, which handles up to `limit` deliveries, until none is left or `mostAtOnce` are handled. A delivery that fails
   * again meanwhile is not handled a second time.
   */
  private async handleAll(
    given: FailedDeliveryFilter,
    failedBefore: number | undefined,
    step: (filter: FailedDeliveryFilter, limit: number) => Promise<number>,
  ): Promise<Handled> {
    const before = Math.min(failedBefore ?? Infinity, Date.now());
    const filter = { ...given, before };
    let handled = 0;
    for (let some = batchSize; some === batchSize && handled < mostAtOnce; handled += some) {
      some = await step(filter, batchSize);
    }
    const hasMore = handled >= mostAtOnce && (await this.failed.list(filter, { limit: 1 })).items.length > 0;
    return { handled, hasMore, ...(hasMore && { failedBefore: new Date(before).toISOString() }) };
  }
}

interface Handled {
  readonly handled: number;
  readonly hasMore: boolean;
  readonly failedBefore?: string;
}
