import { type DynamicModule, Module } from '@nestjs/common';
import { AggregationModule, type Batch, type Settling } from '@pns/aggregation';
import { OptionFiles } from '@pns/config-folder';
import { BacklogCount } from './backlog';
import { Dispatch } from './dispatch.service';
import { FailedCount } from './failed-count';
import { SocketTopics } from './socket-topics';
import { TokenForms } from './token-forms';

@Module({ providers: [Dispatch], exports: [Dispatch] })
class AddressingModule {
  static forRoot(forms: TokenForms, socketTopics: (files: OptionFiles) => SocketTopics): DynamicModule {
    return {
      module: AddressingModule,
      providers: [
        { provide: TokenForms, useValue: forms },
        { provide: SocketTopics, inject: [OptionFiles], useFactory: socketTopics },
      ],
    };
  }
}

/** The dispatch stage, from the tick to the transports' queues, and counts of waiting and of failed deliveries. */
@Module({})
export class DispatchModule {
  /**
   * `forms` decides whether the token that caused a notification is that of a subscription; `socketTopics` reads which topics
   * the sockets of each client subscribe to.
   */
  static forRoot(forms: TokenForms, socketTopics: (files: OptionFiles) => SocketTopics): DynamicModule {
    return {
      module: DispatchModule,
      imports: [
        AggregationModule.ticking({
          imports: [AddressingModule.forRoot(forms, socketTopics)],
          inject: [Dispatch],
          useFactory: (dispatch: Dispatch) => (batch: Batch, settling: Settling) => dispatch.handOver(batch, settling),
        }),
      ],
      providers: [BacklogCount, FailedCount],
    };
  }
}
