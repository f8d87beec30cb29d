import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { ClientOptions, ClientOptionsModule } from '@pns/config-folder';
import { ConfigCascade, ConfigCascadeModule } from '@pns/config-cascade';
import { pushContent } from '@pns/payloads';
import { PersistenceModule, ServerKeyStore, SubscriptionStore } from '@pns/persistence';
import { QueueModule } from '@pns/queue';
import { RuntimeModule } from '@pns/runtime/app';
import type { Transport } from '@pns/transport-contract';
import { DeliveryModule } from './delivery.module';
import { IsolatedSender } from './isolated-sender';
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
        QueueModule.forRoot({ redisUrl: env.REDIS_URL, shards: env.PNS_SHARDS }),
        ...configuration(env),
        DeliveryModule.forTransport({
          name: worker.transport,
          isolatedEntry: worker.entry,
          imports: [ClientOptionsModule],
          ...transportOf(worker, env),
        }),
      ],
    };
  }

  /** The app as an isolated process that sends for another worker: the transport and its configuration, without queues. */
  static isolated<Options>(worker: TransportWorker<Options>, env: WorkerEnv): DynamicModule {
    const transport = Symbol('Transport');
    return {
      module: WorkerModule,
      imports: [...configuration(env), ClientOptionsModule],
      providers: [
        { provide: transport, ...transportOf(worker, env) },
        {
          provide: IsolatedSender,
          inject: [transport, ConfigCascade],
          useFactory: (handedIn: Transport, cascade: ConfigCascade) => new IsolatedSender(handedIn, cascade),
        },
      ],
    };
  }
}

function configuration(env: WorkerEnv): (Type | DynamicModule)[] {
  return [
    RuntimeModule,
    ConfigCascadeModule.forRoot({ configDir: env.PNS_CONFIG_DIR }),
    PersistenceModule.forRoot({ databaseUrl: env.DATABASE_URL, encryptionKeys: env.PNS_ENCRYPTION_KEY }),
  ];
}

function transportOf<Options>(worker: TransportWorker<Options>, env: WorkerEnv) {
  return {
    inject: [ClientOptions, ConfigCascade, SubscriptionStore, ServerKeyStore],
    useFactory: (
      options: ClientOptions,
      cascade: ConfigCascade,
      subscriptions: SubscriptionStore,
      serverKeys: ServerKeyStore,
    ): Transport => {
      const meta = new SharedLookup((ids) => subscriptions.metaOf(ids));
      const keys = new SharedLookup((ids) => subscriptions.keysOf(ids));
      return worker.create({
        options: options.of(
          worker.transport,
          worker.optionFile,
          (readFile) => worker.optionsFileFor(env.NODE_ENV, readFile),
          worker.clientOptions,
        ),
        content: (delivery) => pushContent(delivery, cascade.pushStyle(delivery)),
        metaOf: async (id) => (await meta.of([id])).get(id),
        keysOf: async (id) => (await keys.of([id])).get(id),
        serverKeys: (make) => serverKeys.pair(worker.transport, make),
        property: (name) => cascade.resolve(name).value,
      });
    },
  };
}
