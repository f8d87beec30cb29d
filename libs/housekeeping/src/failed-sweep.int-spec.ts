import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigCascade, type Scope } from '@pns/config-cascade';
import { freshDatabase, type FreshDatabase } from '@pns/local-servers';
import { FailedDeliveryStore, PersistenceModule, type FailedDelivery } from '@pns/persistence';
import { log, nestLogger } from '@pns/runtime';
import { RuntimeModule } from '@pns/runtime/app';
import { FailedSweep } from './failed-sweep';

log.level = 'silent';

const dayMs = 86_400_000;
const now = Date.UTC(2027, 0, 31);
const retention = 'com.openexchange.pns.failed.retention';

let database: FreshDatabase;
let app: INestApplicationContext;
let store: FailedDeliveryStore;

beforeAll(async () => {
  database = await freshDatabase();
  const imports = [RuntimeModule, PersistenceModule.forRoot({ databaseUrl: database.url })];
  app = await NestFactory.createApplicationContext({ module: class {}, imports }, { logger: nestLogger });
  store = app.get(FailedDeliveryStore);
});

afterAll(async () => {
  await app.close();
  await database.drop();
});

function failed(id: string, failedAt: number, isHeld = false): FailedDelivery {
  return {
    delivery: {
      ...{ id, notificationId: 'n', context: 1, user: 14, client: 'mobile', transport: 'apns', token: 't' },
      ...{ topic: 'ox:mail:new', payload: {}, priority: 'high', count: 1, timestamp: 1, dueAt: 2, attempt: 10 },
    },
    ...{ outcome: 'exhausted', reason: 'HTTP 500', isHeld, failedAt },
  };
}

const left = async () => (await store.list({}, { limit: 500 })).items.map(({ delivery }) => delivery.id);

it('removes all failed deliveries that are older than 30 days, also held ones, and keeps the others', async () => {
  const old = Array.from({ length: 2500 }, (_, number) => failed(`old-${number}`, now - 30 * dayMs - 1 - number));
  await store.record([...old, failed('held', now - 31 * dayMs, true), failed('newer', now - 30 * dayMs + 1)]);
  await new FailedSweep(store, new ConfigCascade()).sweep(now);
  expect(await left()).toEqual(['newer']);
});

it('applies the retention of the configuration', async () => {
  await store.record([failed('a', now - 2 * dayMs - 1), failed('b', now - 2 * dayMs + 1)]);
  const values = new Map([['com.openexchange.pns.failed.retention', String(2 * dayMs)]]);
  await new FailedSweep(store, new ConfigCascade({ name: 'server', values })).sweep(now);
  expect(await left()).toEqual(['b']);
});

it.each<[string, Scope]>([
  ['its line in a file', { name: 'server', values: new Map(), unknown: new Set([retention]) }],
  ['a whole file', { name: 'server', values: new Map(), unknown: 'all' }],
  ['the value', { name: 'server', values: new Map([[retention, 'forever']]) }],
])('removes nothing while %s cannot be read', async (_, scope) => {
  await store.record([failed('kept', 1)]);
  await expect(new FailedSweep(store, new ConfigCascade(scope)).sweep(now)).rejects.toThrow(/retention cannot be read/);
  expect(await left()).toContain('kept');
});
