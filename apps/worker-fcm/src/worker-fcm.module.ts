import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigCascade, ConfigCascadeModule } from '@pns/config-cascade';
import { ClientOptions, ClientOptionsModule } from '@pns/config-folder';
import { DeliveryModule } from '@pns/delivery';
import { pushContent } from '@pns/payloads';
import { PersistenceModule } from '@pns/persistence';
import { QueueModule } from '@pns/queue';
import { RuntimeModule } from '@pns/runtime';
import { fcmOptions, fcmOptionsFileFor } from '@pns/transport-fcm';
import type { workerFcmEnv } from './env';
import { FcmWorkerTransport } from './fcm-worker.transport';

@Module({})
export class WorkerFcmModule {
  static forRoot(env: ReturnType<typeof workerFcmEnv>): DynamicModule {
    return {
      module: WorkerFcmModule,
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: env.REDIS_URL, shards: env.PNS_SHARDS }),
        ConfigCascadeModule.forRoot({ configDir: env.PNS_CONFIG_DIR }),
        PersistenceModule.forRoot({ databaseUrl: env.DATABASE_URL, encryptionKeys: env.PNS_ENCRYPTION_KEY }),
        DeliveryModule.forTransport({
          name: 'fcm',
          imports: [ClientOptionsModule],
          inject: [ClientOptions, ConfigCascade],
          useFactory: (options: ClientOptions, cascade: ConfigCascade) =>
            new FcmWorkerTransport({
              options: options.of(
                'fcm',
                'pns-gcm-options.yml',
                (readFile) => fcmOptionsFileFor(env.NODE_ENV, readFile),
                fcmOptions,
              ),
              content: (delivery) => pushContent(delivery, cascade.pushStyle(delivery)),
            }),
        }),
      ],
    };
  }
}
