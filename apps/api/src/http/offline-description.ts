import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import { ApiModule, type ApiOptions } from '../api.module';
import { apiServer, type ServerParts } from '../server';
import { openApiDocument } from './openapi';

/** Placeholders, which are never used, because preview mode opens no connection and reads no file. */
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
  throw new Error('This instance only creates the OpenAPI document and serves no requests.');
}

const unusedParts: ServerParts = {
  authenticator: unused,
  sessions: unused,
  rateLimits: unused,
  audit: unused,
  accounts: unused,
  producers: unused,
};

/** The document of `/openapi.json`, created without Postgres and Redis: Nest's preview mode creates no providers. */
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
