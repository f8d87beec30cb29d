import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigCascade, ConfigCascadeModule } from '@pns/config-cascade';
import { ClientOptions, ClientOptionsModule } from '@pns/config-folder';
import { DeliveryModule } from '@pns/delivery';
import { pushContent } from '@pns/payloads';
import { PersistenceModule } from '@pns/persistence';
import { QueueModule } from '@pns/queue';
import { RuntimeModule } from '@pns/runtime';
import { wnsOptions, wnsOptionsFileFor } from '@pns/transport-wns';
import type { workerWnsEnv } from './env';
import { WnsWorkerTransport } from './wns-worker.transport';

@Module({})
export class WorkerWnsModule {
  static forRoot(env: ReturnType<typeof workerWnsEnv>): DynamicModule {
    return {
      module: WorkerWnsModule,
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: env.REDIS_URL, shards: env.PNS_SHARDS }),
        ConfigCascadeModule.forRoot({ configDir: env.PNS_CONFIG_DIR }),
        PersistenceModule.forRoot({ databaseUrl: env.DATABASE_URL, encryptionKeys: env.PNS_ENCRYPTION_KEY }),
        DeliveryModule.forTransport({
          name: 'wns',
          imports: [ClientOptionsModule],
          inject: [ClientOptions, ConfigCascade],
          useFactory: (options: ClientOptions, cascade: ConfigCascade) =>
            new WnsWorkerTransport({
              options: options.of(
                'wns',
                'pns-wns-options.yml',
                (readFile) => wnsOptionsFileFor(env.NODE_ENV, readFile),
                wnsOptions,
              ),
              content: (delivery) => pushContent(delivery, cascade.pushStyle(delivery)),
            }),
        }),
      ],
    };
  }
}
