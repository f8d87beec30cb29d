import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigCascadeModule } from '@pns/config-cascade';
import { ClientOptions, ClientOptionsModule } from '@pns/config-folder';
import { freshPrefix, testRedisUrl, type FreshDatabase } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { FailedDeliveryStore, PersistenceModule } from '@pns/persistence';
import { migratedDatabase } from '@pns/persistence/testing';
import { QueueModule } from '@pns/queue';
import { log, metrics, nestLogger } from '@pns/runtime';
import { RuntimeModule } from '@pns/runtime/app';
import type { Delivery } from '@pns/transport-contract';
import { z } from 'zod';
import { DeliveryModule } from './delivery.module';
import { send, subscribe } from './testing/delivery-stage';
import { FarSide } from './testing/far-side';

const file = 'webhooks.yml';
const schema = z.strictObject({ uri: z.string(), enabled: z.boolean().optional() });

let folder: string;
let database: FreshDatabase;
let app: INestApplicationContext;
let errors: jest.SpyInstance;
const farSide: FarSide = new FarSide(({ client }) =>
  farSide.options(client) === undefined
    ? { kind: 'misconfigured', reason: `There is no client ${client}.` }
    : { kind: 'delivered' },
);

beforeAll(async () => {
  log.level = 'silent';
  errors = jest.spyOn(log, 'error');
  folder = mkdtempSync(join(tmpdir(), 'pns-refused-'));
  writeFileSync(join(folder, 'pns.properties'), 'com.openexchange.webhooks.enabledIds=sandbox,shop,crm,typo');
  writeFileSync(join(folder, file), 'shop: {uri: 5}\ncrm: {uri: x}\n');
  database = await migratedDatabase();
  app = await NestFactory.createApplicationContext(
    {
      module: class {},
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: testRedisUrl(), shards: 1, prefix: freshPrefix() }),
        ConfigCascadeModule.forRoot({ configDir: folder }),
        PersistenceModule.forRoot({ databaseUrl: database.url, encryptionKeys: [Buffer.alloc(32, 'k')] }),
        DeliveryModule.forTransport({
          name: 'webhook',
          concurrency: 8,
          imports: [ClientOptionsModule],
          inject: [ClientOptions],
          useFactory: (options: ClientOptions) => {
            farSide.options = options.of('webhook', file, () => z.record(z.string(), schema), schema);
            farSide.credentialsExpireAt = (client) => (farSide.options(client) === undefined ? undefined : 5_000);
            return farSide;
          },
        }),
      ],
    },
    { logger: nestLogger },
  );
});

afterAll(async () => {
  errors.mockRestore();
  await app.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

const gauge = (client: string) => `pns_transport_paused{transport="webhook",client="${client}"} 1`;
const pausedLines = () =>
  errors.mock.calls
    .map(([line]) => line as { event: string; client?: string })
    .filter(({ event }) => event === 'transport.paused');

async function deliveryTo(client: string, id: string): Promise<Delivery> {
  const subscriptionId = await subscribe(app, { client, token: `https://example.com/${id}` });
  return {
    ...{
      id,
      notificationId: 'n',
      subscriptionId,
      context: 1,
      user: 14,
      client,
      transport: 'webhook',
      topic: 'ox:mail:new',
    },
    ...{
      token: `https://example.com/${id}`,
      payload: {},
      priority: 'high',
      count: 1,
      timestamp: 0,
      dueAt: 0,
      attempt: 1,
    },
  };
}

it('a client whose entry was refused is paused before anything is sent to it', async () => {
  await eventually('shop is paused', async () => (await metrics.metrics()).includes(gauge('shop')));
  expect(await metrics.metrics()).not.toContain('client="crm"} 1');
});

it('its deliveries are held with the reason, and are sent after the entry is corrected', async () => {
  const store = app.get(FailedDeliveryStore, { strict: false });
  for (const id of ['shop-1', 'shop-2']) {
    await send(app, [await deliveryTo('shop', id)], id);
    expect(await eventually(`${id} is stored as failed`, () => store.get(id))).toMatchObject({
      ...{ outcome: 'misconfigured', isHeld: true },
      reason: `The entry of shop in the configuration was refused (${file}: uri must be a string).`,
    });
  }
  expect(farSide.came).toEqual([]);
  expect(pausedLines()).toMatchObject([{ client: 'shop', transport: 'webhook' }]);

  writeFileSync(join(folder, file), 'shop: {uri: x}\ncrm: {uri: x}\n');
  await farSide.until((came) => came.length === 2);
  expect(farSide.came.map(({ id }) => id).sort()).toEqual(['shop-1', 'shop-2']);
  await eventually('shop is not paused', async () => !(await metrics.metrics()).includes(gauge('shop')));
});

it('a client without an entry is not paused, but its deliveries are held', async () => {
  await send(app, [await deliveryTo('typo', 'typo-1')], 'typo');
  const held = await eventually('typo-1 is stored as failed', () =>
    app.get(FailedDeliveryStore, { strict: false }).get('typo-1'),
  );
  expect(held).toMatchObject({ isHeld: true, reason: 'There is no client typo.' });
  expect(await metrics.metrics()).not.toContain('client="typo"');
});

it('the expiry of credentials is reported for each client whose credentials expire', async () => {
  const page = await metrics.metrics();
  for (const client of ['shop', 'crm']) {
    expect(page).toContain(`pns_credentials_expiry_timestamp_seconds{transport="webhook",client="${client}"} 5`);
  }
});
