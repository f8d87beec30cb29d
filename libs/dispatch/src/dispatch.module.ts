import { type DynamicModule, Module } from '@nestjs/common';
import { OptionFiles } from '@pns/config-folder';
import { Dispatch } from './dispatch.service';
import { FailedCount } from './failed-count';
import { SocketTopics } from './socket-topics';
import { TokenForms } from './token-forms';

/** The dispatch stage: turns batches into jobs in the queues of the transports, and counts failed deliveries. */
@Module({})
export class DispatchModule {
  /**
   * `forms` decides whether a source token is the token of a subscription; `socketTopics` reads which topics the sockets of each
   * client subscribe to.
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
