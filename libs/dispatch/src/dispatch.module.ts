import { Module } from '@nestjs/common';
import { AggregationModule, type Batch, type Settling } from '@pns/aggregation';
import { BacklogCount } from './backlog';
import { Dispatch } from './dispatch.service';
import { FailedCount } from './failed-count';
import { SubscriptionSweep } from './subscription-sweep';

@Module({ providers: [Dispatch], exports: [Dispatch] })
class AddressingModule {}

/** The dispatch stage, from the tick to the transports' queues; the sweep of what nothing is sent to any more; and how much waits or failed. */
@Module({
  imports: [
    AggregationModule.ticking({
      imports: [AddressingModule],
      inject: [Dispatch],
      useFactory: (dispatch: Dispatch) => (batch: Batch, settling: Settling) => dispatch.handOver(batch, settling),
    }),
  ],
  providers: [SubscriptionSweep, BacklogCount, FailedCount],
})
export class DispatchModule {}
