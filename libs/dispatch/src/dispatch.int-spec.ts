import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AggregationModule, Ingest, Windows, type Batch, type Settling } from '@pns/aggregation';
import { ConfigCascade, ConfigCascadeModule, ConfigChanges } from '@pns/config-cascade';
import { HistoryModule } from '@pns/history';
import { startRedis, type FreshDatabase, type LocalRedis } from '@pns/local-servers';
import { ConfigStore, PersistenceModule, SubscriptionStore } from '@pns/persistence';
import { migratedDatabase } from '@pns/persistence/testing';
import { SocketsModule, WebsocketClients } from '@pns/sockets';
import { deliveryQueue, QueueModule, Queues, type DeliveryJob } from '@pns/queue';
import { log, metrics, nestLogger } from '@pns/runtime';
import { RuntimeModule } from '@pns/runtime/app';
import type { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { Dispatch } from './dispatch.service';
import { TokenForms } from './token-forms';

log.level = 'silent';

const enabledIds = 'com.openexchange.webhooks.enabledIds';
const folder = mkdtempSync(join(tmpdir(), 'pns-dispatch-'));
const properties = [`${enabledIds}=crm,shop`, 'com.openexchange.pns.delayDuration=0'];
writeFileSync(join(folder, 'pns.properties'), properties.join('\n'));

let database: FreshDatabase;
let redis: LocalRedis;
let app: INestApplicationContext;

beforeAll(async () => {
  [database, redis] = await Promise.all([
    migratedDatabase(),
    startRedis({ dataDir: join(folder, 'redis'), isDurable: false }),
  ]);
  app = await NestFactory.createApplicationContext(
    {
      module: class {},
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: redis.url, shards: 1 }),
        ConfigCascadeModule.forRoot({ configDir: folder }),
        PersistenceModule.forRoot({ databaseUrl: database.url }),
        SocketsModule,
        AggregationModule.ingesting(),
        HistoryModule,
      ],
      providers: [
        Dispatch,
        { provide: TokenForms, useValue: { normalToken: (_: string, token: string) => token } },
        WebsocketClients,
      ],
    },
    { logger: nestLogger },
  );
});

afterAll(async () => {
  await app.close();
  await redis.stop();
  await database.drop();
  rmSync(folder, { recursive: true });
});

async function subscribe(user: number, client: string, host = client): Promise<void> {
  const token = `https://${host}.example.com/${user}`;
  const hook = { transport: 'webhook', topics: ['*'], isShared: true } as const;
  await app.get(SubscriptionStore).register({ context: 1, user, client, token, ...hook });
}

async function enable(user: number, ids: string): Promise<void> {
  const place = { scope: 'user', context: 1, user } as const;
  await app.get(ConfigChanges).make(place, () => app.get(ConfigStore).put(place, { name: enabledIds, value: ids }));
}

let lastId = 0;

/** Joins a notification for each user and takes a batch. If the last batch still has windows, takes these windows again. */
async function batchFor(users: readonly number[], payload: object = {}): Promise<Batch> {
  const ingest = app.get(Ingest, { strict: false });
  const what = { topic: 'ox:mail:new', priority: 'high', timestamp: 1 } as const;
  const notifications = users.map((user) => {
    const id = `n-${++lastId}`;
    return { ...what, id, context: 1, user, payload: { ...payload, id } };
  });
  await ingest.join(notifications);
  return windows().take(0, 'batch', 'me', 500);
}

const windows = () => app.get(Windows, { strict: false });

const dispatch = (batch: Batch) =>
  app.get(Dispatch).dispatch(batch, (left, count) => windows().settling(batch, left, count));

async function queued(): Promise<string[]> {
  const queues = app.get(Queues);
  const queue = queues.queue<DeliveryJob>(queues.keys.group(0), deliveryQueue('webhook'));
  const jobs = await queue.getWaiting();
  await queue.drain(); // workers remove the jobs too
  return jobs.flatMap(({ data }) => data.deliveries.map(({ user, client }) => `${user} ${client}`)).sort();
}

async function suppressed(): Promise<number> {
  const text = await metrics.getSingleMetricAsString('pns_deliveries_total');
  return Number(/transport="webhook",outcome="suppressed"\} (\d+)/.exec(text)?.[1] ?? 0);
}

it('sends nothing to a webhook that was taken off the list of its user, and counts that', async () => {
  for (const user of [14, 15]) for (const client of ['crm', 'shop']) await subscribe(user, client);
  await dispatch(await batchFor([14, 15]));
  expect([await queued(), await suppressed()]).toEqual([['14 crm', '14 shop', '15 crm', '15 shop'], 0]);
  await enable(14, 'shop');
  await enable(15, '');
  await dispatch(await batchFor([14, 15]));
  expect([await queued(), await suppressed()]).toEqual([['14 shop'], 3]);
});

/** Limits the free memory of Redis to `bytes`; without `bytes`, removes the limit. */
async function limitMemory(bytes?: number): Promise<void> {
  const { redis: client } = app.get(Queues);
  const used = Number(/used_memory:(\d+)/.exec(await (client as Redis).info('memory'))?.[1]);
  await client.config('SET', 'maxmemory', bytes === undefined ? 0 : used + bytes);
}

it('enqueues each delivery once, even when the memory of Redis becomes full meanwhile', async () => {
  const users = Array.from({ length: 100 }, (_, index) => 1000 + index);
  // Each user's delivery has a separate endpoint and therefore a separate job.
  for (const user of users) await subscribe(user, 'crm', `crm-${user}`);
  const batch = await batchFor(users, { text: 'x'.repeat(30_000) });
  await limitMemory(1_000_000);
  await dispatch(batch).catch(() => undefined);
  const first = await queued();
  await limitMemory();
  await dispatch(batch);
  expect([...first, ...(await queued())]).toEqual(users.map((user) => `${user} crm`));
});

it('enqueues nothing that another dispatcher has enqueued meanwhile', async () => {
  await subscribe(20, 'crm');
  const slow = await batchFor([20]);
  const quick = await windows().take(0, slow.id, 'another', 500);
  expect(quick.windows).toEqual(slow.windows);
  expect(await dispatch(quick)).toBe('settled');
  expect(await queued()).toEqual(['20 crm']);
  expect(await dispatch(slow)).toBe('lost');
  expect(await queued()).toEqual([]);
});

it('enqueues a large batch in parts', async () => {
  await subscribe(30, 'crm');
  const batch = await batchFor(Array<number>(150).fill(30), { text: 'x'.repeat(60_000) });
  const parts: number[] = [];
  const settling: Settling = (left, count) => {
    parts.push(count);
    return windows().settling(batch, left, count);
  };
  expect(await app.get(Dispatch).dispatch(batch, settling)).toBe('settled');
  expect([parts.length, await queued()]).toEqual([2, Array(150).fill('30 crm')]);
  expect((await windows().take(0, batch.id, 'me', 500)).windows).toEqual([]);
});

it('sends all parts of a batch while its users are evicted from the cache', async () => {
  await subscribe(40, 'crm');
  await enable(40, 'crm');
  await app.get(DataSource, { strict: false }).query(
    `INSERT INTO user_properties (context_id, user_id, name, value)
     SELECT 2, user_id, 'any', repeat('x', 65000) FROM generate_series(1, 1100) AS user_id`,
  );
  const others = Array.from({ length: 1100 }, (_, index) => ({ context: 2, user: index + 1 }));
  const cascade = app.get(ConfigCascade, { strict: false });
  const client = app.get(Queues).redis as Redis;
  const another = client.duplicate();
  const evict = async (): Promise<void> => {
    try {
      for (let from = 0; from < others.length; from += 550) await cascade.load(others.slice(from, from + 550));
      expect(cascade.scopesOf({ context: 1, user: 40 })).toBeUndefined();
    } finally {
      await another.client('UNPAUSE');
    }
  };
  let evicted: Promise<void> | undefined;
  const batch = await batchFor(Array<number>(150).fill(40), { text: 'x'.repeat(60_000) });
  await app.get(Dispatch).dispatch(batch, (left, count) => {
    // The first part is not enqueued before the users are evicted.
    evicted ??= client.client('PAUSE', 600_000, 'WRITE').then(evict);
    return windows().settling(batch, left, count);
  });
  await evicted;
  another.disconnect();
  expect(await queued()).toEqual(Array(150).fill('40 crm'));
});
