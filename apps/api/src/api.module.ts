import { createHash } from 'node:crypto';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { AggregationModule } from '@pns/aggregation';
import { ConfigCascade, ConfigCascadeModule } from '@pns/config-cascade';
import { ClientOptions, ClientOptionsModule, OptionFiles } from '@pns/config-folder';
import { HistoryModule } from '@pns/history';
import { AuditSweep, EndpointSweep, FailedSweep, HistorySweep, HourlySweeps } from '@pns/housekeeping';
import { PersistenceModule } from '@pns/persistence';
import { SocketsModule } from '@pns/sockets';
import { mostUsedForIntake } from '@pns/redis';
import { QueueModule } from '@pns/queue';
import { RuntimeModule } from '@pns/runtime/app';
import { SessionsModule } from '@pns/sessions';
import { webhookOptions, webhookOptionsFileFor } from '@pns/transport-webhook';
import { AuditController } from './audit/audit.controller';
import { ApiKeysController } from './authentication/api-keys.controller';
import { Authenticator, BootstrapKeyHash } from './authentication/authenticator';
import { LastUses } from './authentication/last-uses';
import { RateLimits } from './authentication/rate-limits';
import { RemovedKeys } from './authentication/removed-keys';
import { ClientApiController } from './client-api/client-api.controller';
import { ClientAccounts } from './clients/client-accounts';
import { ClientTransportsController } from './clients/client-transports.controller';
import { OptionFileFaults } from './clients/option-file-faults';
import { WebpushKeyController } from './clients/webpush-key.controller';
import { WebpushKeys } from './clients/webpush-keys';
import { ConfigApiModule } from './config/config-api.module';
import { ContextsController } from './directory/contexts.controller';
import { Erasure } from './directory/erasure';
import { DeliveriesController } from './deliveries/deliveries.controller';
import { UsersController } from './directory/users.controller';
import { EndpointsController } from './endpoints/endpoints.controller';
import { HistoryController } from './history/history.controller';
import { UsageController } from './history/usage.controller';
import { KnownPaths } from './http/known-paths';
import { ProblemFilter } from './http/problem.filter';
import { RequestPipe } from './http/request.pipe';
import { RootController } from './http/root.controller';
import { DovecotController } from './notifications/dovecot.controller';
import { Intake } from './notifications/intake.service';
import { NotificationsController } from './notifications/notifications.controller';
import { SecretsController } from './secrets/secrets.controller';
import { SessionsController } from './sessions/sessions.controller';
import { RegistrationWarnings } from './subscriptions/registration-warnings';
import { PushGate } from './subscriptions/push-gate';
import { Registrar } from './subscriptions/registrar';
import { SubscriptionsController } from './subscriptions/subscriptions.controller';
import { TestPush } from './subscriptions/test-push';
import { TokenSpelling } from './subscriptions/token-spelling';
import { WebhookGate } from './subscriptions/webhook-gate';
import { WebhookProducers } from './webhook-producers/webhook-producers';
import { WebhookProducersController } from './webhook-producers/webhook-producers.controller';

/** The deployment settings of the API. */
export interface ApiOptions {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly configDir: string;
  readonly shards: number;
  readonly bootstrapApiKey: string;
  /** The key that signs session tokens, or the URL of an identity provider's keys. */
  readonly sessionKey: string | URL;
  /** Keys for the secrets in Postgres, 32 bytes each: the first encrypts, all decrypt. */
  readonly encryptionKeys: readonly Buffer[];
  /** With `production`, settings that are only for demonstrations are refused. */
  readonly nodeEnv: string;
  /** Prefix of all keys in Redis. Each test uses its own prefix. */
  readonly redisPrefix?: string;
}

@Module({})
export class ApiModule {
  static forRoot(options: ApiOptions, knownPaths: KnownPaths): DynamicModule {
    const { databaseUrl, redisUrl, configDir, shards, redisPrefix, sessionKey, encryptionKeys } = options;
    return {
      module: ApiModule,
      imports: [
        RuntimeModule,
        ConfigCascadeModule.forRoot({ configDir }),
        PersistenceModule.forRoot({ databaseUrl, encryptionKeys }),
        ClientOptionsModule,
        QueueModule.forRoot({
          redisUrl,
          shards,
          failFast: true,
          mostUsedMemory: mostUsedForIntake,
          ...(redisPrefix === undefined ? {} : { prefix: redisPrefix }),
        }),
        AggregationModule.ingesting(),
        HistoryModule,
        SocketsModule,
        ConfigApiModule,
        SessionsModule.forRoot({ redisUrl, key: sessionKey }),
      ],
      controllers: [
        RootController,
        NotificationsController,
        DovecotController,
        WebhookProducersController,
        HistoryController,
        UsageController,
        SubscriptionsController,
        SessionsController,
        ContextsController,
        UsersController,
        ApiKeysController,
        AuditController,
        ClientApiController,
        ClientTransportsController,
        WebpushKeyController,
        DeliveriesController,
        EndpointsController,
        SecretsController,
      ],
      providers: [
        { provide: KnownPaths, useValue: knownPaths },
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_PIPE, useClass: RequestPipe },
        {
          provide: BootstrapKeyHash,
          useValue: { hash: createHash('sha256').update(options.bootstrapApiKey).digest() } satisfies BootstrapKeyHash,
        },
        Authenticator,
        RemovedKeys,
        RateLimits,
        LastUses,
        AuditSweep,
        EndpointSweep,
        FailedSweep,
        HistorySweep,
        HourlySweeps,
        Intake,
        OptionFileFaults,
        PushGate,
        Registrar,
        RegistrationWarnings,
        Erasure,
        TestPush,
        TokenSpelling,
        WebpushKeys,
        {
          provide: WebhookProducers,
          inject: [OptionFiles],
          useFactory: (files: OptionFiles) => new WebhookProducers(files, options.nodeEnv),
        },
        {
          provide: ClientAccounts,
          inject: [ClientOptions],
          useFactory: (clients: ClientOptions) => new ClientAccounts(clients, options.nodeEnv),
        },
        {
          provide: WebhookGate,
          inject: [ConfigCascade, ClientOptions],
          useFactory: (cascade: ConfigCascade, clients: ClientOptions) =>
            new WebhookGate(
              cascade,
              clients.of(
                'webhook',
                'webhooks.yml',
                (readFile) => webhookOptionsFileFor(options.nodeEnv, readFile),
                webhookOptions,
              ),
              (client) => clients.standing('webhook', client),
            ),
        },
      ],
    };
  }
}
