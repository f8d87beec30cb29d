import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { enqueueDeliveries } from '@pns/delivery';
import { cuttableLink, freshDatabase, type FreshDatabase, type LocalRedis, startRedis } from '@pns/local-servers';
import { FailedDeliveryStore, SubscriptionStore } from '@pns/persistence';
import { deliveryQueue, Queues, type DeliveryJob } from '@pns/queue';
import { log, metrics, nestLogger } from '@pns/runtime';
import type { Delivery } from '@pns/transport-contract';
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
  const properties = [
    'com.openexchange.webhooks.enabledIds=crm,removed,constructor',
    'com.openexchange.pns.retry.attempts=1',
    'com.openexchange.pns.retry.baseDelay=50',
  ];
  writeFileSync(join(folder, 'pns.properties'), properties.join('\n'));
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

async function start(databaseUrl = database.url): Promise<INestApplicationContext> {
  const module = WorkerWebhookModule.forRoot({
    NODE_ENV: 'development',
    PNS_LOG_LEVEL: 'silent',
    DATABASE_URL: databaseUrl,
    REDIS_URL: redis.url,
    PNS_SHARDS: 1,
    PNS_CONFIG_DIR: folder,
    PNS_ENCRYPTION_KEY: [Buffer.alloc(32, 1)],
    PNS_HEALTH_PORT: 0,
  });
  app = await NestFactory.createApplicationContext(module, { logger: nestLogger });
  return app;
}

async function send(
  worker: INestApplicationContext,
  id: string,
  client: string,
  changes: Partial<Delivery> = {},
): Promise<void> {
  const queues = worker.get(Queues, { strict: false });
  const queue = { group: queues.keys.group(0), name: deliveryQueue('webhook') };
  const who = { context: 1, user: 14, client, transport: 'webhook', token: uri } as const;
  const what = { topic: 'ox:mail:new', payload: {}, priority: 'high', count: 1, timestamp: 1, dueAt: 1 } as const;
  const delivery = { id, notificationId: 'n', attempt: 1, ...who, ...what, ...changes };
  await enqueueDeliveries(queues, [{ ...queue, endpoint: new URL(uri).origin, deliveries: [delivery] }]);
}

async function eventually<Found>(look: () => Promise<Found | undefined>): Promise<Found> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function failed(worker: INestApplicationContext, id: string): Promise<{ outcome: string; reason?: string }> {
  return eventually(() => worker.get(FailedDeliveryStore, { strict: false }).get(id));
}

/** Resolves when a delivery has been put off. */
function putOff(worker: INestApplicationContext, id: string): Promise<unknown> {
  const queues = worker.get(Queues, { strict: false });
  const queue = queues.queue<DeliveryJob>(queues.keys.group(0), deliveryQueue('webhook'));
  const isIt = (each: Delivery) => each.id === id && each.attempt > 1;
  return eventually(async () => (await queue.getDelayed()).find(({ data }) => data.deliveries.some(isIt)));
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

describe('the credentials of a subscription', () => {
  /** The header of the next request. */
  async function authorization(): Promise<string | undefined> {
    const [request] = (await once(endpoint, 'request')) as [IncomingMessage];
    return request.headers.authorization;
  }

  async function registered(worker: INestApplicationContext, meta: object): Promise<string> {
    const hook = { context: 1, user: 14, client: 'crm', transport: 'webhook', token: uri, topics: ['*'] } as const;
    const store = worker.get(SubscriptionStore, { strict: false });
    return (await store.register({ ...hook, isShared: true, meta: { ...meta } })).subscription.id;
  }

  beforeEach(() => configure({ crm: { ...entry(), webhookSecret: 'Bearer configured' } }));

  it('are sent as they are at the time of the attempt', async () => {
    const worker = await start();
    const subscriptionId = await registered(worker, { authorization: 'Bearer own' });
    const arrives = async (id: string) => {
      const arrived = authorization();
      await send(worker, id, 'crm', { subscriptionId, hasMeta: true });
      return arrived;
    };
    expect(await arrives('own-1')).toBe('Bearer own');
    const store = worker.get(SubscriptionStore, { strict: false });
    await store.change(subscriptionId, { meta: { username: 'jane', password: 'new' } });
    expect(await arrives('own-2')).toBe(`Basic ${Buffer.from('jane:new').toString('base64')}`);
    await store.change(subscriptionId, { meta: null });
    expect(await arrives('own-3')).toBe('Bearer configured');
  });

  it('are waited for while Postgres is away, and nothing is sent without them', async () => {
    const link = await cuttableLink(database.url);
    const worker = await start(link.url);
    const subscriptionId = await registered(worker, { authorization: 'Bearer own' });
    // What is set for the user is known already, and the subscription was there a moment ago.
    const known = { subscriptionId, dueAt: Date.now() + 60_000 };
    let arrived = authorization();
    await send(worker, 'before', 'crm', known);
    expect(await arrived).toBe('Bearer configured');
    link.cut();
    arrived = authorization();
    await send(worker, 'meanwhile', 'crm', { ...known, hasMeta: true });
    await putOff(worker, 'meanwhile');
    link.mend();
    expect(await arrived).toBe('Bearer own');
    await link.close();
  });
});
