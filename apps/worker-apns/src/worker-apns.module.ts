import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigCascade, ConfigCascadeModule } from '@pns/config-cascade';
import { ClientOptions, ClientOptionsModule } from '@pns/config-folder';
import { DeliveryModule } from '@pns/delivery';
import { pushContent } from '@pns/payloads';
import { PersistenceModule } from '@pns/persistence';
import { QueueModule } from '@pns/queue';
import { RuntimeModule } from '@pns/runtime';
import { apnsOptions, apnsOptionsFileFor } from '@pns/transport-apns';
import { ApnsWorkerTransport } from './apns-worker.transport';
import type { workerApnsEnv } from './env';

@Module({})
export class WorkerApnsModule {
  static forRoot(env: ReturnType<typeof workerApnsEnv>): DynamicModule {
    return {
      module: WorkerApnsModule,
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: env.REDIS_URL, shards: env.PNS_SHARDS }),
        ConfigCascadeModule.forRoot({ configDir: env.PNS_CONFIG_DIR }),
        PersistenceModule.forRoot({ databaseUrl: env.DATABASE_URL, encryptionKeys: env.PNS_ENCRYPTION_KEY }),
        DeliveryModule.forTransport({
          name: 'apns',
          imports: [ClientOptionsModule],
          inject: [ClientOptions, ConfigCascade],
          useFactory: (options: ClientOptions, cascade: ConfigCascade) =>
            new ApnsWorkerTransport({
              options: options.of(
                'apns',
                'pns-apns-options.yml',
                (readFile) => apnsOptionsFileFor(env.NODE_ENV, readFile),
                apnsOptions,
              ),
              content: (delivery) => pushContent(delivery, cascade.pushStyle(delivery)),
            }),
        }),
      ],
    };
  }
}
