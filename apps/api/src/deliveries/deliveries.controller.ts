import { Body, Controller, Delete, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { retryFailed } from '@pns/delivery';
import { FailedDeliveryStore } from '@pns/persistence';
import { Queues } from '@pns/queue';
import { Requires } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { RequestError } from '../http/request-error';
import { RemovedCount } from '../subscriptions/subscriptions.dto';
import {
  DeliveryFilterQuery,
  DeliveryList,
  DeliveryQuery,
  DeliveryRetry,
  deliveryView,
  RetriedCount,
} from './deliveries.dto';

/** Most deliveries of one request, and of one transaction. */
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
  async list(@Query() { limit, cursor, id: ids, ...filter }: DeliveryQuery): Promise<DeliveryList> {
    const { items, nextCursor } = await this.failed.list({ ...filter, ids }, { limit, cursor });
    return { items: items.map(deliveryView), ...(nextCursor === undefined ? {} : { nextCursor }) };
  }

  @Delete()
  @Requires('admin', {
    contextIn: 'query',
    auditedAs: ({ url }) => `${url}${url.includes('?') ? '&' : '?'}limit=500`,
  })
  @ApiOperation({
    summary: 'Delete failed deliveries that match all filters; at least one filter is needed',
    description: `At most ${mostAtOnce} per request, oldest first; the answer contains the number. They cannot be sent again.`,
  })
  @ApiOkResponse({ type: RemovedCount })
  @ApiProblems('QUERY_INVALID', 'FILTER_MISSING')
  async removeMatching(@Query() { id: ids, ...filter }: DeliveryFilterQuery): Promise<RemovedCount> {
    if ([ids, ...Object.values(filter)].every((value) => value === undefined)) {
      const sentence = 'Set at least one of id, context, user, client, transport, topic, outcome and notification.';
      throw new RequestError('FILTER_MISSING', sentence);
    }
    // A delivery that fails during this request stays.
    const all = { ...filter, ids, before: Date.now() };
    return { removed: await repeated((limit) => this.failed.take(all, limit, () => Promise.resolve())) };
  }

  @Post('retry')
  @HttpCode(200)
  @Requires('admin', { contextIn: 'body' })
  @ApiOperation({
    summary: 'Send failed deliveries again',
    description: `Sends the deliveries that match all given filters, oldest first, at most ${mostAtOnce} per request; the answer contains the number. They keep their ids, so a receiver can recognise duplicates. Their count of attempts starts again.`,
  })
  @ApiOkResponse({ type: RetriedCount })
  @ApiProblems('BODY_MALFORMED', 'BODY_MISSING', 'BODY_INVALID', 'MEDIA_TYPE_UNSUPPORTED', 'REDIS_UNREACHABLE')
  async retry(@Body() named: DeliveryRetry): Promise<RetriedCount> {
    // A delivery that fails again during this request is not sent a second time.
    const filter = { ...named, before: Date.now() };
    return { retried: await repeated((limit) => retryFailed(this.queues, this.failed, filter, limit)) };
  }
}

/** Repeats `step`, which handles up to `limit` deliveries, until there are no more or it has handled as many as one request may. */
async function repeated(step: (limit: number) => Promise<number>): Promise<number> {
  let handled = 0;
  while (handled < mostAtOnce) {
    const some = await step(batchSize);
    handled += some;
    if (some < batchSize) break;
  }
  return handled;
}
