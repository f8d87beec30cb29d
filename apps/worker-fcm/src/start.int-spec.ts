import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { enqueueDeliveries } from '@pns/delivery';
import { freshDatabase, type FreshDatabase, type LocalRedis, startRedis } from '@pns/local-servers';
import { FailedDeliveryStore } from '@pns/persistence';
import { deliveryQueue, Queues } from '@pns/queue';
import { log, nestLogger } from '@pns/runtime';
import { WorkerFcmModule } from './worker-fcm.module';

log.level = 'silent';

let folder: string;
let redis: LocalRedis;
let database: FreshDatabase;
let app: INestApplicationContext | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pns-worker-fcm-'));
  const properties = [
    'com.openexchange.pns.transport.gcm.enabled=true',
    'com.openexchange.pns.template.title={{#a}}{{#a}}{{.}}{{/a}}{{/a}}',
  ];
  writeFileSync(join(folder, 'pns.properties'), properties.join('\n'));
  [redis, database] = await Promise.all([startRedis({ dataDir: join(folder, 'redis') }), freshDatabase()]);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const account = {
    type: 'service_account',
    project_id: 'my-project',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: 'sender@my-project.iam.gserviceaccount.com',
  };
  writeFileSync(join(folder, 'account.json'), JSON.stringify(account));
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

function configure(entries: object): void {
  writeFileSync(join(folder, 'pns-gcm-options.yml'), JSON.stringify(entries));
}

async function start(): Promise<INestApplicationContext> {
  const module = WorkerFcmModule.forRoot({
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

/** What became of a delivery to `client` that ended for now. */
async function endOf(worker: INestApplicationContext, client: string, payload: object): Promise<object> {
  const queues = worker.get(Queues, { strict: false });
  const queue = { group: queues.keys.group(0), name: deliveryQueue('fcm') };
  const id = `d-${client}`;
  const who = { context: 1, user: 14, client, transport: 'fcm', token: 'a-phone:APA91b' } as const;
  const what = { topic: 'ox:mail:new', payload: { ...payload }, priority: 'high', count: 1, timestamp: 1 } as const;
  const delivery = { id, notificationId: 'n', attempt: 1, dueAt: 1, ...who, ...what };
  await enqueueDeliveries(queues, [{ ...queue, endpoint: client, deliveries: [delivery] }]);
  const store = worker.get(FailedDeliveryStore, { strict: false });
  for (;;) {
    const found = await store.get(id);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it('sends what is in the queue by the options in pns-gcm-options.yml', async () => {
  configure({ mobile: { serviceAccount: 'account.json' }, off: { serviceAccount: 'account.json', enabled: false } });
  const worker = await start();
  expect(await endOf(worker, 'mobile', { a: Array(1000).fill(1) })).toMatchObject({
    outcome: 'rejected',
    reason: expect.stringContaining('template') as string,
  });
  expect(await endOf(worker, 'off', {})).toMatchObject({
    outcome: 'misconfigured',
    reason: 'The FCM client off is switched off in the configuration (enabled: false).',
  });
  expect(await endOf(worker, 'constructor', {})).toMatchObject({
    outcome: 'misconfigured',
    reason: 'There is no FCM client constructor in the configuration.',
  });
});
