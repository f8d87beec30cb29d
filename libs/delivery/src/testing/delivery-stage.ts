import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigCascadeModule } from '@pns/config-cascade';
import { freshPrefix, testRedisUrl, type FreshDatabase } from '@pns/local-servers';
import { PersistenceModule, SubscriptionStore, type Registration } from '@pns/persistence';
import { migratedDatabase } from '@pns/persistence/testing';
import { QueueModule, Queues } from '@pns/queue';
import { nestLogger } from '@pns/runtime';
import { RuntimeModule } from '@pns/runtime/app';
import type { Delivery } from '@pns/transport-contract';
import type { DataSource } from 'typeorm';
import { DeliveryModule } from '../delivery.module';
import { enqueueDeliveries } from '../enqueue-deliveries';
import { shardQueues } from '../routing';
import type { FarSide } from './far-side';

const properties = [
  'com.openexchange.pns.retry.attempts=3',
  'com.openexchange.pns.retry.baseDelay=50',
  'com.openexchange.webhooks.enabledIds=sandbox,shop,mail,hangs,quick,stranger',
];

interface WorkerOptions {
  readonly concurrency?: number;
  readonly shards?: number;
  /** Another URL of the database, for a connection that the test can cut. */
  readonly databaseUrl?: string;
  /** A separate Redis instead of the shared one. */
  readonly redisUrl?: string;
  /** The script of the process that sends suspect deliveries. */
  readonly isolatedEntry?: string;
}

/** The delivery stage of a test file. */
interface DeliveryStage {
  readonly databaseUrl: () => string;
  /** Starts a worker, which ends with the test. */
  readonly worker: (farSide: FarSide, options?: WorkerOptions) => Promise<INestApplicationContext>;
  /** Ends a worker before its test ends. */
  readonly close: (app: INestApplicationContext) => Promise<void>;
  /** A delivery to the subscription that the first started worker registers. */
  readonly delivery: (changes?: { [Field in keyof Delivery]?: Delivery[Field] | undefined }) => Delivery;
}

/** Provides a delivery stage with a separate database, queues and configuration for a test file. `more` are lines of properties. */
export function deliveryStage(more: readonly string[] = []): DeliveryStage {
  const folder = mkdtempSync(join(tmpdir(), 'pns-delivery-'));
  writeFileSync(join(folder, 'pns.properties'), [...properties, ...more].join('\n'));
  const prefix = freshPrefix();
  const opened = new Set<INestApplicationContext>();
  let database: FreshDatabase;
  let subscriptionId: string | undefined;

  beforeAll(async () => {
    database = await migratedDatabase();
  });

  const close: DeliveryStage['close'] = (app) => {
    opened.delete(app);
    return app.close();
  };

  afterEach(() => Promise.all([...opened].map(close)));

  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  async function worker(
    farSide: FarSide,
    {
      concurrency,
      shards = 1,
      databaseUrl = database.url,
      redisUrl = testRedisUrl(),
      isolatedEntry,
    }: WorkerOptions = {},
  ): Promise<INestApplicationContext> {
    const app = await NestFactory.createApplicationContext(
      {
        module: class {},
        imports: [
          RuntimeModule,
          QueueModule.forRoot({ redisUrl, shards, prefix }),
          ConfigCascadeModule.forRoot({ configDir: folder }),
          PersistenceModule.forRoot({ databaseUrl }),
          DeliveryModule.forTransport({
            name: 'webhook',
            ...(concurrency !== undefined && { concurrency }),
            ...(isolatedEntry !== undefined && { isolatedEntry }),
            inject: [],
            useFactory: () => farSide,
          }),
        ],
      },
      { logger: nestLogger },
    );
    opened.add(app);
    subscriptionId ??= await subscribe(app);
    return app;
  }

  const delivery: DeliveryStage['delivery'] = (changes = {}) => ({
    id: `d-${Math.random()}`,
    notificationId: 'n',
    subscriptionId,
    context: 1,
    user: 14,
    client: 'sandbox',
    transport: 'webhook',
    token: 'https://example.com/hook',
    topic: 'ox:mail:new',
    payload: {},
    priority: 'high',
    count: 1,
    timestamp: 0,
    dueAt: 0,
    attempt: 1,
    ...changes,
  });

  return { databaseUrl: () => database.url, worker, close, delivery };
}

/** Enqueues deliveries for the worker as one batch. */
export async function send(
  app: INestApplicationContext,
  deliveries: readonly Delivery[],
  endpoint = 'https://example.com',
): Promise<void> {
  const queues = app.get(Queues, { strict: false });
  const [queue] = shardQueues(queues.keys, 'webhook');
  await enqueueDeliveries(queues, queue === undefined ? [] : [{ ...queue, endpoint, deliveries }]);
}

/** Registers a subscription and returns its id. */
export async function subscribe(app: INestApplicationContext, changes: Partial<Registration> = {}): Promise<string> {
  const hook = {
    context: 1,
    user: 14,
    client: 'sandbox',
    transport: 'webhook',
    token: 'https://example.com/hook',
  } as const;
  const store = app.get(SubscriptionStore, { strict: false });
  const { subscription } = await store.register({ ...hook, topics: ['*'], isShared: true, ...changes });
  return subscription.id;
}

/** Sets the time at which a subscription was registered again or changed, in ms since the epoch. */
export async function updateAt(database: DataSource, id: string, time: number): Promise<void> {
  await database.query('UPDATE subscriptions SET updated_at = $2 WHERE id = $1', [id, new Date(time)]);
}
