import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { ClientOptions } from '@pns/config-folder';
import { OutcomeRecorder, OutcomesModule } from '@pns/outcomes';
import { EndpointStore, FailedDeliveryStore, SubscriptionStore } from '@pns/persistence';
import { Queues, type Readership } from '@pns/queue';
import { KeySpace } from '@pns/redis';
import { hasEndpoints, type Transport, type TransportName } from '@pns/transport-contract';
import { CredentialsExpiry } from './credentials-expiry';
import { DeliveryWorker } from './delivery-worker';
import type { DeliveryWorkerOptions } from './delivery-worker-options';

import { FailingEndpoints } from './failing-endpoints';
import { PausedClients } from './paused-clients';
import { shardQueues, type QueueRef } from './routing';
import { TransportLifetime } from './transport-lifetime';

/** A transport of a worker app, and how its worker runs jobs. */
interface TransportOptions {
  readonly name: TransportName;
  /** The maximum number of jobs of a source in progress; by default so high that the places for deliveries are the limit. */
  readonly concurrency?: number;
  /** Whether jobs of a source must not overtake each other. */
  readonly isOrdered?: boolean;
  /** Which other processes take jobs from the sources; by default the other workers of the transport. */
  readonly readership?: Readership;
  /** The script of the app that sends in a separate process; absent if only the worker's own process can send. */
  readonly isolatedEntry?: string;
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  readonly inject: readonly (abstract new (...args: never[]) => unknown)[];
  readonly useFactory: (...parts: never[]) => Transport;
  /** The queues to work on; by default the transport's queue of every shard. */
  readonly sources?: (keys: KeySpace) => readonly QueueRef[];
}

/** The delivery stage of one transport. */
@Module({})
export class DeliveryModule {
  static forTransport(options: TransportOptions): DynamicModule {
    const transport = Symbol('Transport');
    const sources = options.sources ?? ((keys) => shardQueues(keys, options.name));
    return {
      module: DeliveryModule,
      imports: [OutcomesModule, ...(options.imports ?? [])],
      providers: [
        { provide: transport, inject: [...options.inject], useFactory: options.useFactory },
        {
          provide: PausedClients,
          inject: [transport, FailedDeliveryStore, Queues, { token: ClientOptions, optional: true }],
          useFactory: (handedIn: Transport, failed: FailedDeliveryStore, queues: Queues, clients?: ClientOptions) =>
            new PausedClients(handedIn, failed, queues, clients),
        },
        {
          provide: FailingEndpoints,
          inject: [EndpointStore, FailedDeliveryStore, Queues, ConfigCascade],
          useFactory: (
            endpoints: EndpointStore,
            failed: FailedDeliveryStore,
            queues: Queues,
            cascade: ConfigCascade,
          ) =>
            hasEndpoints(options.name)
              ? new FailingEndpoints(options.name, endpoints, failed, queues, cascade)
              : undefined,
        },
        {
          provide: CredentialsExpiry,
          inject: [transport, { token: ClientOptions, optional: true }],
          useFactory: (handedIn: Transport, clients?: ClientOptions) => new CredentialsExpiry(handedIn, clients),
        },
        {
          provide: TransportLifetime,
          inject: [transport],
          useFactory: (handedIn: Transport) => new TransportLifetime(handedIn),
        },
        {
          provide: DeliveryWorker,
          inject: [
            Queues,
            transport,
            OutcomeRecorder,
            ConfigCascade,
            PausedClients,
            SubscriptionStore,
            FailingEndpoints,
          ],
          useFactory: (
            queues: Queues,
            handedIn: Transport,
            outcomes: OutcomeRecorder,
            cascade: ConfigCascade,
            paused: PausedClients,
            subscriptions: SubscriptionStore,
            endpoints?: FailingEndpoints,
          ) => {
            const workerOptions: DeliveryWorkerOptions = {
              sources: sources(queues.keys),
              concurrency: options.concurrency,
              isOrdered: options.isOrdered,
              readership: options.readership,
              isolatedEntry: options.isolatedEntry,
            };
            return new DeliveryWorker(
              queues,
              handedIn,
              outcomes,
              cascade,
              paused,
              subscriptions,
              workerOptions,
              endpoints,
            );
          },
        },
      ],
    };
  }
}
