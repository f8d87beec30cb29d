import { type DynamicModule, Module } from '@nestjs/common';
import { Dispatch } from './dispatch.service';
import { FailedCount } from './failed-count';
import { SubscriptionSweep } from './subscription-sweep';
import { TokenForms } from './token-forms';

/** The dispatch stage, from a batch to the transports' queues; the sweep of expired subscriptions; and the count of failed deliveries. */
@Module({})
export class DispatchModule {
  /** `forms` decides whether the token that caused a notification is the token of a subscription. */
  static forRoot(forms: TokenForms): DynamicModule {
    return {
      module: DispatchModule,
      providers: [{ provide: TokenForms, useValue: forms }, Dispatch, SubscriptionSweep, FailedCount],
      exports: [Dispatch],
    };
  }
}
