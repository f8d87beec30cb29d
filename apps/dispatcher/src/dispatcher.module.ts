import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigCascadeModule } from '@pns/config-cascade';
import { DispatchModule } from '@pns/dispatch';
import { SubscriptionSweep } from '@pns/housekeeping';
import { PersistenceModule } from '@pns/persistence';
import { SocketsModule, WebsocketClients } from '@pns/sockets';
import { QueueModule } from '@pns/queue';
import { RuntimeModule } from '@pns/runtime';
import type { dispatcherEnv } from './env';
import { tokenForms } from './token-forms';

@Module({})
export class DispatcherModule {
  static forRoot(env: ReturnType<typeof dispatcherEnv>): DynamicModule {
    return {
      module: DispatcherModule,
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: env.REDIS_URL, shards: env.PNS_SHARDS }),
        ConfigCascadeModule.forRoot({ configDir: env.PNS_CONFIG_DIR }),
        PersistenceModule.forRoot({ databaseUrl: env.DATABASE_URL }),
        SocketsModule,
        DispatchModule.forRoot(tokenForms, (files) => new WebsocketClients(files)),
      ],
      providers: [SubscriptionSweep],
    };
  }
}
