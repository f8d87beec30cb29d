import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { freshPrefix, testRedisUrl, type FreshDatabase } from '@pns/local-servers';
import { migratedDatabase } from '@pns/persistence/testing';
import { log } from '@pns/runtime';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { serveQueueBoard } from '../queues/queue-board';
import { createApi } from '../start';

/** An answer of the API; a JSON body is parsed. */
export interface TestAnswer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface TestRequest {
  /** Text, bytes and streams are sent unchanged, other values as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The API key; null for none, absent for the bootstrap key. */
  readonly key?: string | null;
}

/** A whole API for one test file: its own database, its own keys in Redis, its own configuration. */
export interface TestApi {
  readonly app: NestFastifyApplication;
  readonly url: string;
  readonly database: FreshDatabase;
  readonly redis: Redis;
  readonly redisPrefix: string;
  /** Sends a request. `Body` is the type that the test expects; it is not checked. */
  send<Body = Record<string, unknown>>(method: string, path: string, request?: TestRequest): Promise<TestAnswer<Body>>;
  /** All rows, and all keys in Redis with their values. Two results are equal if nothing changed between the calls. */
  contents(): Promise<Record<string, string[]>>;
  /** Starts a second API on the same database and Redis. */
  sibling(
    changes?: Pick<TestApiOptions, 'redisUrl' | 'databaseUrl' | 'encryptionKeys' | 'hasQueueBoard'>,
  ): Promise<TestApi>;
  close(): Promise<void>;
}

/** Blanks are allowed in a key, so the key of the tests has some. */
export const bootstrapKey = 'the bootstrap key of these tests';
/** The secret that signs session tokens. */
export const sessionSecret = 'the session secret of these tests';

interface TestApiOptions {
  /** Configuration files by their path below the configuration folder. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly redisUrl?: string;
  /** Replaces the URL of the fresh database, for example by the URL of a link that the test can cut. */
  readonly databaseUrl?: string;
  /** The keys for secrets in Postgres; one key by default. */
  readonly encryptionKeys?: readonly Buffer[];
  /** The URL at which an identity provider publishes its keys. */
  readonly sessionKey?: URL;
  /** Whether `/queues` shows the queues. */
  readonly hasQueueBoard?: boolean;
}

export async function testApi(options: TestApiOptions = {}): Promise<TestApi> {
  const database = await migratedDatabase();
  return startTestApi(options, database, freshPrefix(), () => database.drop());
}

async function startTestApi(
  options: TestApiOptions,
  database: FreshDatabase,
  redisPrefix: string,
  afterClose: () => Promise<void>,
): Promise<TestApi> {
  const { files = {}, redisUrl = testRedisUrl(), databaseUrl = database.url, sessionKey = sessionSecret } = options;
  log.level = 'silent';
  const configDir = mkdtempSync(join(tmpdir(), 'pns-api-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(configDir, name)), { recursive: true });
    writeFileSync(join(configDir, name), content);
  }
  const app = await createApi({
    databaseUrl,
    redisUrl,
    configDir,
    shards: 4,
    bootstrapApiKey: bootstrapKey,
    sessionKey,
    encryptionKeys: options.encryptionKeys ?? [Buffer.alloc(32, 'e')],
    nodeEnv: 'test',
    redisPrefix,
  });
  if (options.hasQueueBoard === true) serveQueueBoard(app);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as { port: number };
  const url = `http://127.0.0.1:${port}`;
  const redis = new Redis(testRedisUrl());
  return {
    app,
    url,
    database,
    redis,
    redisPrefix,
    send: (method, path, request = {}) => sendTo(url, method, path, request),
    contents: async () => ({
      ...(await rowsOf(database.url)),
      redis: await valuesIn(redis, redisPrefix),
    }),
    sibling: (changes) => startTestApi({ ...options, ...changes }, database, redisPrefix, () => Promise.resolve()),
    close: async () => {
      await app.close();
      await redis.quit();
      rmSync(configDir, { recursive: true });
      await afterClose();
    },
  };
}

async function valuesIn(redis: Redis, prefix: string): Promise<string[]> {
  const keys = (await redis.keys(`*${prefix}*`)).sort();
  return Promise.all(keys.map(async (key) => `${key} ${(await redis.dumpBuffer(key)).toString('latin1')}`));
}

const tables = [
  ...['users', 'user_logins', 'subscriptions', 'api_keys', 'failed_deliveries', 'contexts', 'context_sets'],
  ...['server_properties', 'context_set_properties', 'context_properties', 'user_properties', 'audit_entries'],
  ...['client_transports', 'server_keys', 'endpoints'],
];

async function rowsOf(databaseUrl: string): Promise<Record<string, string[]>> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const rows: Record<string, string[]> = {};
    for (const table of tables) {
      // The time of a key's last use is left out, because it is written periodically, not by a request.
      const row = table === 'api_keys' ? `(to_jsonb(t) - 'last_used_at')` : 't';
      const answer = await client.query<{ row: string }>(`SELECT ${row}::text AS row FROM ${table} t ORDER BY 1`);
      rows[table] = answer.rows.map(({ row }) => row);
    }
    return rows;
  } finally {
    await client.end();
  }
}

async function sendTo<Body>(
  url: string,
  method: string,
  path: string,
  request: TestRequest,
): Promise<TestAnswer<Body>> {
  const { body, headers = {}, key = bootstrapKey } = request;
  const isRaw = typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body), duplex: 'half' }),
  });
  const text = await response.text();
  const isJson = text !== '' && /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: (isJson ? JSON.parse(text) : text) as Body,
  };
}
