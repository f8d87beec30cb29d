import { type DynamicModule, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { AggregationModule, TickWorker } from '@pns/aggregation';
import { ConfigCascadeModule } from '@pns/config-cascade';
import { Dispatch, DispatchModule } from '@pns/dispatch';
import { SubscriptionSweep } from '@pns/housekeeping';
import { PersistenceModule } from '@pns/persistence';
import { BacklogCount } from './backlog';
import { SocketsModule } from '@pns/sockets';
import { QueueModule } from '@pns/queue';
import { RuntimeModule } from '@pns/runtime/app';
import type { dispatcherEnv } from './env';
import { tokenForms } from './token-forms';

/** Connects two stages: each batch of the aggregation stage goes to the dispatch stage. */
@Module({})
export class DispatcherModule implements OnApplicationBootstrap {
  constructor(
    private readonly ticks: TickWorker,
    private readonly dispatch: Dispatch,
  ) {}

  static forRoot(env: ReturnType<typeof dispatcherEnv>): DynamicModule {
    return {
      module: DispatcherModule,
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: env.REDIS_URL, shards: env.PNS_SHARDS }),
        ConfigCascadeModule.forRoot({ configDir: env.PNS_CONFIG_DIR }),
        PersistenceModule.forRoot({ databaseUrl: env.DATABASE_URL }),
        SocketsModule,
        AggregationModule.ticking(),
        DispatchModule.forRoot(tokenForms),
      ],
      providers: [BacklogCount, SubscriptionSweep],
    };
  }

  onApplicationBootstrap(): Promise<void> {
    return this.ticks.start((batch, settling) => this.dispatch.dispatch(batch, settling));
  }
}
