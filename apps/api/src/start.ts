import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuditStore } from '@pns/persistence';
import { nestLogger, sessionKeyOf } from '@pns/runtime';
import { listen } from '@pns/runtime/app';
import { SessionTokens } from '@pns/sessions';
import { ApiModule, type ApiOptions } from './api.module';
import { Authenticator } from './authentication/authenticator';
import { RateLimits } from './authentication/rate-limits';
import { ClientAccounts } from './clients/client-accounts';
import { readApiEnvironment } from './env';
import { serveDocumentation } from './http/openapi';
import { apiServer } from './server';
import { WebhookProducers } from './webhook-producers/webhook-producers';

export { offlineDescription } from './http/offline-description';

/** Starts the API with the settings of the environment. */
export async function startApi(): Promise<NestFastifyApplication> {
  const env = readApiEnvironment();
  const app = await createApi({
    databaseUrl: env.DATABASE_URL,
    redisUrl: env.REDIS_URL,
    configDir: env.PNS_CONFIG_DIR,
    shards: env.PNS_SHARDS,
    bootstrapApiKey: env.PNS_BOOTSTRAP_API_KEY,
    sessionKey: sessionKeyOf(env),
    encryptionKeys: env.PNS_ENCRYPTION_KEY,
    nodeEnv: env.NODE_ENV,
  });
  if (env.PNS_QUEUE_BOARD === 'on') {
    const { serveQueueBoard } = await import('./queues/queue-board.js'); // loaded only if the queue board is enabled
    serveQueueBoard(app);
  }
  await listen('api', app, env.PNS_API_PORT);
  return app;
}

/** Creates the API. It does not listen yet. */
export async function createApi(options: ApiOptions): Promise<NestFastifyApplication> {
  // These services are resolved once, because a lookup in Nest's container takes a large part of the time of a request.
  let authenticator: Authenticator | undefined;
  let sessions: SessionTokens | undefined;
  let rateLimits: RateLimits | undefined;
  const { adapter, knownPaths } = apiServer({
    authenticator: () => (authenticator ??= app.get<Authenticator>(Authenticator)),
    producers: () => app.get<WebhookProducers>(WebhookProducers),
    sessions: () => (sessions ??= app.get<SessionTokens>(SessionTokens, { strict: false })),
    rateLimits: () => (rateLimits ??= app.get<RateLimits>(RateLimits)),
    audit: () => app.get(AuditStore, { strict: false }),
    accounts: () => app.get(ClientAccounts, { strict: false }),
  });
  const app = await NestFactory.create<NestFastifyApplication>(ApiModule.forRoot(options, knownPaths), adapter, {
    logger: nestLogger,
    bodyParser: false,
    abortOnError: false,
  });
  serveDocumentation(app);
  return app;
}
