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
import { WorkerWnsModule } from './worker-wns.module';

log.level = 'silent';

const entry = { sid: 'ms-app://s-1-15-2-1-2-3', secret: 'a-secret' };

let folder: string;
let redis: LocalRedis;
let database: FreshDatabase;
let app: INestApplicationContext | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pns-worker-wns-'));
  writeFileSync(join(folder, 'pns.properties'), 'com.openexchange.pns.transport.wns.enabled=true');
  [redis, database] = await Promise.all([startRedis({ dataDir: join(folder, 'redis') }), freshDatabase()]);
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
  writeFileSync(join(folder, 'pns-wns-options.yml'), JSON.stringify(entries));
}

async function start(): Promise<INestApplicationContext> {
  const module = WorkerWnsModule.forRoot({
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
async function endOf(worker: INestApplicationContext, client: string): Promise<object> {
  const queues = worker.get(Queues, { strict: false });
  const queue = { group: queues.keys.group(0), name: deliveryQueue('wns') };
  const id = `d-${client}`;
  const token = 'https://push.example.com/w/?token=1';
  const who = { context: 1, user: 14, client, transport: 'wns', token } as const;
  const what = { topic: 'ox:mail:new', payload: {}, priority: 'high', count: 1, timestamp: 1, dueAt: 1 } as const;
  const delivery = { id, notificationId: 'n', attempt: 1, ...who, ...what };
  await enqueueDeliveries(queues, [{ ...queue, endpoint: client, deliveries: [delivery] }]);
  const store = worker.get(FailedDeliveryStore, { strict: false });
  for (;;) {
    const found = await store.get(id);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it.each([
  ['desktop', 'rejected', expect.stringContaining('notify.windows.com') as string],
  ['off', 'misconfigured', 'The WNS client off is switched off in the configuration (enabled: false).'],
  ['constructor', 'misconfigured', 'There is no WNS client constructor in the configuration.'],
])('treats what is in the queue for %s by pns-wns-options.yml', async (client, outcome, reason) => {
  configure({ desktop: entry, off: { ...entry, enabled: false } });
  expect(await endOf(await start(), client)).toMatchObject({ outcome, reason });
});
