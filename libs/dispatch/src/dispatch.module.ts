import { type DynamicModule, Module } from '@nestjs/common';
import { HistoryModule } from '@pns/history';
import { WebsocketClients } from '@pns/sockets';
import { Dispatch } from './dispatch.service';
import { FailedCount } from './failed-count';
import { TokenForms } from './token-forms';

/** The dispatch stage: turns batches into jobs in the queues of the transports, and counts failed deliveries. */
@Module({})
export class DispatchModule {
  /** `forms` decides whether a source token is the token of a subscription. */
  static forRoot(forms: TokenForms): DynamicModule {
    return {
      module: DispatchModule,
      imports: [HistoryModule],
      providers: [{ provide: TokenForms, useValue: forms }, WebsocketClients, Dispatch, FailedCount],
      exports: [Dispatch],
    };
  }
}
