import { type DynamicModule, Module } from '@nestjs/common';
import { AggregationModule, type Batch, type Settling } from '@pns/aggregation';
import { BacklogCount } from './backlog';
import { Dispatch } from './dispatch.service';
import { FailedCount } from './failed-count';
import { SubscriptionSweep } from './subscription-sweep';
import { TokenForms } from './token-forms';

@Module({ providers: [Dispatch], exports: [Dispatch] })
class AddressingModule {
  static forRoot(forms: TokenForms): DynamicModule {
    return { module: AddressingModule, providers: [{ provide: TokenForms, useValue: forms }] };
  }
}

/** The dispatch stage, from the tick to the transports' queues; the sweep of expired subscriptions; and counts of what waits or failed. */
@Module({})
export class DispatchModule {
  /** `forms` tells whether the token that caused a notification is that of a subscription. */
  static forRoot(forms: TokenForms): DynamicModule {
    return {
      module: DispatchModule,
      imports: [
        AggregationModule.ticking({
          imports: [AddressingModule.forRoot(forms)],
          inject: [Dispatch],
          useFactory: (dispatch: Dispatch) => (batch: Batch, settling: Settling) => dispatch.handOver(batch, settling),
        }),
      ],
      providers: [SubscriptionSweep, BacklogCount, FailedCount],
    };
  }
}
