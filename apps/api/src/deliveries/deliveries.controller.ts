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
  DeliveryList,
  DeliveryQuery,
  DeliveryRemoval,
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
  async list(@Query() { limit, cursor, ...filter }: DeliveryQuery): Promise<DeliveryList> {
    const { items, nextCursor } = await this.failed.list(filter, { limit, cursor });
    return { items: items.map(deliveryView), ...(nextCursor === undefined ? {} : { nextCursor }) };
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
    return { retried: await inBatches(named, (filter, limit) => retryFailed(this.queues, this.failed, filter, limit)) };
  }

  @Delete()
  @Requires('admin', { contextIn: 'query' })
  @ApiOperation({
    summary: 'Delete failed deliveries',
    description: `Deletes the deliveries that match all given filters, oldest first, at most ${mostAtOnce} per request; the answer contains the number. They cannot be sent again. At least one filter is needed.`,
  })
  @ApiOkResponse({ type: DeletedCount })
  @ApiProblems('QUERY_INVALID', 'FILTER_MISSING')
  async remove(@Query() named: DeliveryRemoval): Promise<DeletedCount> {
    if (Object.values(named).every((value) => value === undefined)) {
      throw new RequestError(
        'FILTER_MISSING',
        'Set at least one of ids, context, user, client, transport, topic and outcome.',
      );
    }
    return {
      deleted: await inBatches(named, (filter, limit) => this.failed.take(filter, limit, () => Promise.resolve())),
    };
  }
}

/** Calls `step` until it has found fewer than its limit; returns the sum. Deliveries that fail meanwhile are left out. */
async function inBatches(
  named: FailedDeliveryFilter,
  step: (filter: FailedDeliveryFilter, limit: number) => Promise<number>,
): Promise<number> {
  const filter = { ...named, before: Date.now() };
  let done = 0;
  while (done < mostAtOnce) {
    const some = await step(filter, batchSize);
    done += some;
    if (some < batchSize) break;
  }
  return done;
}
