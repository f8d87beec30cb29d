import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigCascadeModule } from '@pns/config-cascade';
import { ClientOptions, ClientOptionsModule } from '@pns/config-folder';
import { DeliveryModule, SharedLookup } from '@pns/delivery';
import { PersistenceModule, SubscriptionStore } from '@pns/persistence';
import { QueueModule } from '@pns/queue';
import { RuntimeModule } from '@pns/runtime';
import { webhookOptions, webhookOptionsFileFor } from '@pns/transport-webhook';
import type { workerWebhookEnv } from './env';
import { WebhookWorkerTransport } from './webhook-worker.transport';

@Module({})
export class WorkerWebhookModule {
  static forRoot(env: ReturnType<typeof workerWebhookEnv>): DynamicModule {
    return {
      module: WorkerWebhookModule,
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: env.REDIS_URL, shards: env.PNS_SHARDS }),
        ConfigCascadeModule.forRoot({ configDir: env.PNS_CONFIG_DIR }),
        PersistenceModule.forRoot({ databaseUrl: env.DATABASE_URL, encryptionKeys: env.PNS_ENCRYPTION_KEY }),
        DeliveryModule.forTransport({
          name: 'webhook',
          imports: [ClientOptionsModule],
          inject: [ClientOptions, SubscriptionStore],
          useFactory: (options: ClientOptions, subscriptions: SubscriptionStore) => {
            const meta = new SharedLookup((ids) => subscriptions.metaOf(ids));
            return new WebhookWorkerTransport({
              options: options.of(
                'webhook',
                'webhooks.yml',
                (readFile) => webhookOptionsFileFor(env.NODE_ENV, readFile),
                webhookOptions,
              ),
              metaOf: async (id) => (await meta.of([id])).get(id),
            });
          },
        }),
      ],
    };
  }
}
