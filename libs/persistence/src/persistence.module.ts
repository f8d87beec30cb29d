import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Health } from '@pns/runtime/health';
import { DataSource } from 'typeorm';
import { ApiKeyStore } from './api-key.store';
import { AuditStore } from './audit.store';
import { ClientTransportStore } from './client-transport.store';
import { ConfigStore } from './config.store';
import { openDatabase, type StartingDatabase } from './database';
import { DirectoryStore } from './directory.store';
import { EndpointLookup } from './endpoint-lookup';
import { EndpointStore } from './endpoint.store';
import { ErasureStore } from './erasure.store';
import { FailedDeliveryStore } from './failed-delivery.store';
import { HistoryPartitions } from './history-partitions';
import { HistoryLookup } from './history-lookup';
import { HistoryReads } from './history-reads';
import { HistoryStore } from './history.store';
import { Seal } from './seal';
import { SecretRotation } from './secret-rotation';
import { ServerKeyStore } from './server-key.store';
import { SubscriptionStore } from './subscription.store';
import { TokenSpellingStore } from './token-spelling.store';
import { UsageStore } from './usage.store';
import { PendingChangeStore } from './pending-change.store';

interface PersistenceModuleOptions {
  readonly databaseUrl: string;
  /** The keys of `Seal`; none if an app reads and writes no secrets. */
  readonly encryptionKeys?: readonly Buffer[];
  /** Whether the app works without Postgres, so that it stays ready while Postgres is away. */
  readonly isOptional?: boolean;
}

const isOptionalToken = Symbol('whether the app is ready without Postgres');

const stores = [
  SubscriptionStore,
  DirectoryStore,
  ErasureStore,
  ApiKeyStore,
  AuditStore,
  FailedDeliveryStore,
  EndpointStore,
  EndpointLookup,
  ConfigStore,
  ClientTransportStore,
  TokenSpellingStore,
  PendingChangeStore,
  HistoryPartitions,
  HistoryStore,
  HistoryReads,
  HistoryLookup,
  UsageStore,
  ServerKeyStore,
  SecretRotation,
];

/** Provides the stores. Waits until Postgres answers and its tables are migrated. */
@Module({})
export class PersistenceModule implements OnApplicationBootstrap, OnApplicationShutdown {
  static forRoot({ databaseUrl, encryptionKeys = [], isOptional = false }: PersistenceModuleOptions): DynamicModule {
    return {
      module: PersistenceModule,
      global: true,
      providers: [
        {
          provide: DataSource,
          useFactory: async () => Object.assign(await openDatabase(databaseUrl), { isStarting: true }),
        },
        { provide: Seal, useValue: new Seal(encryptionKeys) },
        { provide: isOptionalToken, useValue: isOptional },
        ...stores,
      ],
      exports: stores,
    };
  }

  constructor(
    @Inject(DataSource) private readonly database: StartingDatabase,
    @Inject(Health) health: Health,
    @Inject(isOptionalToken) isOptional: boolean,
  ) {
    health.add('postgres', () => database.query('SELECT 1'), isOptional);
  }

  onApplicationBootstrap(): void {
    this.database.isStarting = false;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.database.destroy();
  }
}
