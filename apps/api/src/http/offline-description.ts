import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import { ApiModule, type ApiOptions } from '../api.module';
import { apiServer, type ServerParts } from '../server';
import { openApiDocument } from './openapi';

/** Nothing is connected, read or checked with these values. */
const unusedOptions: ApiOptions = {
  databaseUrl: '',
  redisUrl: '',
  configDir: '',
  shards: 1,
  bootstrapApiKey: '',
  sessionKey: '',
  encryptionKeys: [],
  nodeEnv: 'production',
};

function unused(): never {
  throw new Error('An API that only describes itself serves no requests.');
}

const unusedParts: ServerParts = { authenticator: unused, sessions: unused, rateLimits: unused, audit: unused };

/** The document that `/openapi.json` serves, made without Postgres and Redis: Nest's preview mode creates no providers. */
export async function offlineDescription(): Promise<OpenAPIObject> {
  const { adapter, knownPaths } = apiServer(unusedParts);
  const app = await NestFactory.create<NestFastifyApplication>(ApiModule.forRoot(unusedOptions, knownPaths), adapter, {
    logger: false,
    bodyParser: false,
    abortOnError: false,
    preview: true,
  });
  return openApiDocument(app);
}
