import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { handOver } from '@pns/delivery';
import { freshDatabase, type FreshDatabase, type LocalRedis, startRedis } from '@pns/local-servers';
import { FailedDeliveryStore } from '@pns/persistence';
import { deliveryQueue, Queues } from '@pns/queue';
import { log, metrics, nestLogger } from '@pns/runtime';
import { WorkerWebhookModule } from './worker-webhook.module';

log.level = 'silent';

let folder: string;
let redis: LocalRedis;
let database: FreshDatabase;
let endpoint: Server;
let uri: string;
let app: INestApplicationContext | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pns-worker-webhook-'));
  const enabledIds = 'com.openexchange.webhooks.enabledIds=crm,removed,constructor';
  writeFileSync(join(folder, 'pns.properties'), enabledIds);
  [redis, database] = await Promise.all([startRedis({ dataDir: join(folder, 'redis') }), freshDatabase()]);
  endpoint = createServer((_, response) => response.writeHead(204).end()).listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  uri = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/hook`;
});

afterEach(() => app?.close());

afterAll(async () => {
  endpoint.close();
  endpoint.closeAllConnections();
  await redis.stop();
  await database.drop();
  rmSync(folder, { recursive: true });
});

function configure(entries: object): void {
  writeFileSync(join(folder, 'webhooks.yml'), JSON.stringify(entries));
}

const entry = () => ({ uri, httpsOnly: false, allowedNetworks: ['127.0.0.0/8'] });

async function start(): Promise<INestApplicationContext> {
  const module = WorkerWebhookModule.forRoot({
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

async function send(worker: INestApplicationContext, id: string, client: string): Promise<void> {
  const queues = worker.get(Queues, { strict: false });
  const queue = { group: queues.keys.group(0), name: deliveryQueue('webhook') };
  const who = { context: 1, user: 14, client, transport: 'webhook', token: uri } as const;
  const what = { topic: 'ox:mail:new', payload: {}, priority: 'high', count: 1, timestamp: 1, dueAt: 1 } as const;
  const delivery = { id, notificationId: 'n', attempt: 1, ...who, ...what };
  await handOver(queues, [{ ...queue, endpoint: new URL(uri).origin, deliveries: [delivery] }]);
}

async function failed(worker: INestApplicationContext, id: string): Promise<{ outcome: string; reason?: string }> {
  const store = worker.get(FailedDeliveryStore, { strict: false });
  for (;;) {
    const found = await store.get(id);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it('posts what is in the queue to the webhook that webhooks.yml names', async () => {
  configure({ crm: entry() });
  const arrived = once(endpoint, 'request');
  await send(await start(), 'd-1', 'crm');
  const [request] = (await arrived) as [{ method: string; headers: Record<string, string> }];
  expect(request).toMatchObject({ method: 'POST', headers: { 'webhook-id': 'd-1' } });
  expect(await metrics.metrics()).toContain('pns_circuit_open{transport="webhook"} 0');
});

it.each(['removed', 'constructor'])(
  'keeps what was for the webhook %s, which is not in webhooks.yml',
  async (client) => {
    configure({ crm: entry() });
    const worker = await start();
    await send(worker, `d-${client}`, client);
    expect(await failed(worker, `d-${client}`)).toMatchObject({
      outcome: 'misconfigured',
      reason: `There is no webhook ${client} in the configuration.`,
    });
  },
);
