import { type DynamicModule, Module } from '@nestjs/common';
import { ClientOptions, ClientOptionsModule } from '@pns/config-folder';
import { ConfigCascade, ConfigCascadeModule } from '@pns/config-cascade';
import { pushContent } from '@pns/payloads';
import { PersistenceModule, SubscriptionStore } from '@pns/persistence';
import { QueueModule } from '@pns/queue';
import { RuntimeModule } from '@pns/runtime';
import { DeliveryModule } from './delivery.module';
import { SharedLookup } from './shared-lookup';
import type { TransportWorker } from './transport-worker';
import type { WorkerEnv } from './worker-env';

/** A worker app: the delivery stage of one transport, and the connections that it needs. */
@Module({})
export class WorkerModule {
  static forTransport<Options>(worker: TransportWorker<Options>, env: WorkerEnv): DynamicModule {
    return {
      module: WorkerModule,
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: env.REDIS_URL, shards: env.PNS_SHARDS }),
        ConfigCascadeModule.forRoot({ configDir: env.PNS_CONFIG_DIR }),
        PersistenceModule.forRoot({ databaseUrl: env.DATABASE_URL, encryptionKeys: env.PNS_ENCRYPTION_KEY }),
        DeliveryModule.forTransport({
          name: worker.transport,
          imports: [ClientOptionsModule],
          inject: [ClientOptions, ConfigCascade, SubscriptionStore],
          useFactory: (options: ClientOptions, cascade: ConfigCascade, subscriptions: SubscriptionStore) => {
            const meta = new SharedLookup((ids) => subscriptions.metaOf(ids));
            return worker.create({
              options: options.of(
                worker.transport,
                worker.optionFile,
                (readFile) => worker.optionsFileFor(env.NODE_ENV, readFile),
                worker.clientOptions,
              ),
              content: (delivery) => pushContent(delivery, cascade.pushStyle(delivery)),
              metaOf: async (id) => (await meta.of([id])).get(id),
            });
          },
        }),
      ],
    };
  }
}
