import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Batch, DueWindow } from '@pns/aggregation';
import { ConfigCascadeModule, ConfigChanges } from '@pns/config-cascade';
import { freshDatabase, freshPrefix, testRedisUrl, type FreshDatabase } from '@pns/local-servers';
import { ConfigStore, PersistenceModule, SubscriptionStore } from '@pns/persistence';
import { PresenceModule } from '@pns/presence';
import { deliveryQueue, QueueModule, Queues, type DeliveryJob } from '@pns/queue';
import { log, metrics, nestLogger, RuntimeModule } from '@pns/runtime';
import { Dispatch } from './dispatch.service';

log.level = 'silent';

const enabledIds = 'com.openexchange.webhooks.enabledIds';
const folder = mkdtempSync(join(tmpdir(), 'pns-dispatch-'));
writeFileSync(join(folder, 'pns.properties'), `${enabledIds}=crm,shop\n`);

let database: FreshDatabase;
let app: INestApplicationContext;

beforeAll(async () => {
  database = await freshDatabase();
  app = await NestFactory.createApplicationContext(
    {
      module: class {},
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: testRedisUrl(), shards: 1, prefix: freshPrefix() }),
        ConfigCascadeModule.forRoot({ configDir: folder }),
        PersistenceModule.forRoot({ databaseUrl: database.url }),
        PresenceModule,
      ],
      providers: [Dispatch],
    },
    { logger: nestLogger },
  );
});

afterAll(async () => {
  await app.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

async function subscribe(user: number, client: string): Promise<void> {
  const token = `https://${client}.example.com/${user}`;
  const hook = { transport: 'webhook', topics: ['*'], isShared: true } as const;
  await app.get(SubscriptionStore).register({ context: 1, user, client, token, ...hook });
}

async function enable(user: number, ids: string): Promise<void> {
  const place = { scope: 'user', context: 1, user } as const;
  await app.get(ConfigChanges).make(place, () => app.get(ConfigStore).put(place, { name: enabledIds, value: ids }));
}

function batchFor(...users: number[]): Batch {
  const windows = users.map((user): DueWindow => {
    const what = { topic: 'ox:mail:new', payload: {}, priority: 'high', timestamp: 1 } as const;
    return { mode: 'equal', notification: { v: 1, id: `n-${user}`, context: 1, user, ...what }, count: 1, dueAt: 1 };
  });
  return { shard: 0, id: 'b', owner: 'o', windows, clock: 1, left: 0 };
}

async function queued(): Promise<string[]> {
  const queues = app.get(Queues);
  const queue = queues.queue<DeliveryJob>(queues.keys.group(0), deliveryQueue('webhook'));
  const jobs = await queue.getWaiting();
  await queue.drain();
  return jobs.flatMap(({ data }) => data.deliveries.map(({ user, client }) => `${user} ${client}`)).sort();
}

async function suppressed(): Promise<number> {
  const text = await metrics.getSingleMetricAsString('pns_deliveries_total');
  return Number(/outcome="suppressed"\} (\d+)/.exec(text)?.[1] ?? 0);
}

it('sends nothing to a webhook that was taken off the list of its user, and counts that', async () => {
  for (const user of [14, 15]) for (const client of ['crm', 'shop']) await subscribe(user, client);
  const dispatch = app.get(Dispatch);
  await dispatch.handOver(batchFor(14, 15));
  expect([await queued(), await suppressed()]).toEqual([['14 crm', '14 shop', '15 crm', '15 shop'], 0]);
  await enable(14, 'shop');
  await enable(15, '');
  await dispatch.handOver(batchFor(14, 15));
  expect([await queued(), await suppressed()]).toEqual([['14 shop'], 3]);
});
