import { type DynamicModule, Module } from '@nestjs/common';
import { OptionFiles } from '@pns/config-folder';
import { Dispatch } from './dispatch.service';
import { FailedCount } from './failed-count';
import { SocketTopics } from './socket-topics';
import { TokenForms } from './token-forms';

/** The dispatch stage, from a batch to the transports' queues, and the count of failed deliveries. */
@Module({})
export class DispatchModule {
  /**
   * `forms` decides whether the token that caused a notification is that of a subscription; `socketTopics` reads which topics
   * the sockets of each client subscribe to.
   */
  static forRoot(forms: TokenForms, socketTopics: (files: OptionFiles) => SocketTopics): DynamicModule {
    return {
      module: DispatchModule,
      providers: [
        { provide: TokenForms, useValue: forms },
        { provide: SocketTopics, inject: [OptionFiles], useFactory: socketTopics },
        Dispatch,
        FailedCount,
      ],
      exports: [Dispatch],
    };
  }
}
