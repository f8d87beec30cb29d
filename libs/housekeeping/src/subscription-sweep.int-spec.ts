import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigCascadeModule } from '@pns/config-cascade';
import { freshPrefix, testRedisUrl, type FreshDatabase } from '@pns/local-servers';
import { PersistenceModule, SubscriptionStore } from '@pns/persistence';
import { migratedDatabase } from '@pns/persistence/testing';
import { QueueModule, Queues } from '@pns/queue';
import { log, nestLogger } from '@pns/runtime';
import { RuntimeModule } from '@pns/runtime/app';
import { QueueEvents } from 'bullmq';
import { SubscriptionSweep } from './subscription-sweep';

log.level = 'silent';

const folder = mkdtempSync(join(tmpdir(), 'pns-sweep-'));
writeFileSync(join(folder, 'pns.properties'), 'com.openexchange.pns.subscriptions.sweepInterval=1000\n');

let database: FreshDatabase;
let app: INestApplicationContext;

beforeAll(async () => {
  database = await migratedDatabase();
  app = await NestFactory.createApplicationContext(
    {
      module: class {},
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: testRedisUrl(), shards: 2, prefix: freshPrefix() }),
        ConfigCascadeModule.forRoot({ configDir: folder }),
        PersistenceModule.forRoot({ databaseUrl: database.url }),
      ],
      providers: [SubscriptionSweep],
    },
    { logger: nestLogger },
  );
});

afterAll(async () => {
  await app.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

it('removes expired subscriptions repeatedly, and keeps the others', async () => {
  const store = app.get(SubscriptionStore);
  const queues = app.get(Queues);
  const phone = { context: 1, client: 'mobile', transport: 'apns' as const, topics: ['*'], isShared: false };
  const register = (user: number, expiresAt: number) =>
    store.register({ ...phone, user, token: `t${user}`, expiresAt });
  const left = async () => (await store.list({}, { limit: 10 })).items.map(({ user }) => user);
  const events = new QueueEvents('subscription-sweep', {
    connection: queues.redis,
    prefix: queues.keys.group(0),
  });
  await events.waitUntilReady();
  const sweptTwice = async () => {
    for (let sweep = 0; sweep < 2; sweep++) await new Promise((resolve) => events.once('completed', resolve));
  };
  await register(1, Date.now() + 3_600_000);
  await register(2, Date.now() - 1000);
  await sweptTwice(); // the first sweep may have begun before the registration
  expect(await left()).toEqual([1]);
  await register(3, Date.now() - 1000);
  await sweptTwice();
  expect(await left()).toEqual([1]);
  await events.close();
});
