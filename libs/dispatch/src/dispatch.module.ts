import { Module } from '@nestjs/common';
import { AggregationModule, type Batch } from '@pns/aggregation';
import { Dispatch } from './dispatch.service';
import { SubscriptionSweep } from './subscription-sweep';

@Module({ providers: [Dispatch], exports: [Dispatch] })
class AddressingModule {}

/** The dispatch stage, from the tick to the transports' queues; and the sweep of what nothing is sent to any more. */
@Module({
  imports: [
    AggregationModule.ticking({
      imports: [AddressingModule],
      inject: [Dispatch],
      useFactory: (dispatch: Dispatch) => (batch: Batch) => dispatch.handOver(batch),
    }),
  ],
  providers: [SubscriptionSweep],
})
export class DispatchModule {}
