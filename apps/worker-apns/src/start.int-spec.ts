import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { enqueueDeliveries } from '@pns/delivery';
import { freshDatabase, type FreshDatabase, type LocalRedis, startRedis } from '@pns/local-servers';
import { FailedDeliveryStore, SubscriptionStore } from '@pns/persistence';
import { deliveryQueue, Queues } from '@pns/queue';
import { log, nestLogger } from '@pns/runtime';
import { WorkerApnsModule } from './worker-apns.module';

log.level = 'silent';

let folder: string;
let redis: LocalRedis;
let database: FreshDatabase;
let app: INestApplicationContext | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pns-worker-apns-'));
  writeFileSync(join(folder, 'pns.properties'), 'com.openexchange.pns.transport.apn.ios.enabled=true');
  [redis, database] = await Promise.all([startRedis({ dataDir: join(folder, 'redis') }), freshDatabase()]);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(join(folder, 'key.p8'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
});

afterEach(async () => {
  await app?.close();
  app = undefined;
});

afterAll(async () => {
  await redis.stop();
  await database.drop();
  rmSync(folder, { recursive: true });
});

const entry = {
  authtype: 'jwt',
  privatekey: 'key.p8',
  keyid: 'KEY0000001',
  teamid: 'TEAM000001',
  topic: 'com.example.mail',
};

function configure(entries: object): void {
  writeFileSync(join(folder, 'pns-apns-options.yml'), JSON.stringify(entries));
}

async function start(): Promise<INestApplicationContext> {
  const module = WorkerApnsModule.forRoot({
    NODE_ENV: 'development',
    PNS_LOG_LEVEL: 'silent',
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    PNS_SHARDS: 1,
    PNS_CONFIG_DIR: folder,
    PNS_ENCRYPTION_KEY: [Buffer.alloc(32, 1)],
    PNS_HEALTH_PORT: 0,
  });
  app = await NestFactory.createApplicationContext(module, { logger: nestLogger });
  return app;
}

async function send(worker: INestApplicationContext, client: string, token: string, subscriptionId?: string) {
  const queues = worker.get(Queues, { strict: false });
  const queue = { group: queues.keys.group(0), name: deliveryQueue('apns') };
  const who = { context: 1, user: 14, client, transport: 'apns', token } as const;
  const what = { topic: 'ox:mail:new', payload: {}, priority: 'high', count: 1, timestamp: 1, dueAt: 1 } as const;
  const to = subscriptionId === undefined ? {} : { subscriptionId };
  const delivery = { id: `d-${client}`, notificationId: 'n', attempt: 1, ...who, ...what, ...to };
  await enqueueDeliveries(queues, [{ ...queue, endpoint: client, deliveries: [delivery] }]);
}

/** Resolves when `look` answers something. */
async function eventually<Found>(look: () => Promise<Found | undefined>): Promise<Found> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it.each([
  ['off', 'The APNs client off is switched off (enabled: false).'],
  ['constructor', 'There is no APNs client constructor in the configuration.'],
])('keeps what is for the client %s, which the option file does not serve', async (client, reason) => {
  configure({ mail: entry, off: { ...entry, enabled: false } });
  const worker = await start();
  await send(worker, client, 'a1'.repeat(32));
  const store = worker.get(FailedDeliveryStore, { strict: false });
  expect(await eventually(() => store.get(`d-${client}`))).toMatchObject({ outcome: 'misconfigured', reason });
});

it('retires a subscription whose token cannot be one of Apple’s', async () => {
  configure({ mail: entry });
  const worker = await start();
  const store = worker.get(SubscriptionStore, { strict: false });
  const { subscription } = await store.register({
    context: 1,
    user: 14,
    client: 'mail',
    transport: 'apns',
    token: 'a phone of somebody else',
    topics: ['*'],
    isShared: false,
  });
  await send(worker, 'mail', subscription.token, subscription.id);
  await eventually(async () => ((await store.get(subscription.id)) === undefined ? true : undefined));
});
