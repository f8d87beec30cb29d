import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Windows } from '@pns/aggregation';
import { startRedis, type FreshDatabase, type LocalRedis } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { FailedDeliveryStore } from '@pns/persistence';
import { migratedDatabase } from '@pns/persistence/testing';
import { parkedNode } from '@pns/delivery';
import { socketNodeGroup, aggregationQueue, deliveryQueue, Queues, socketNodeQueue, type TickJob } from '@pns/queue';
import { SocketNodes } from '@pns/sockets';
import { log, metrics, nestLogger } from '@pns/runtime';
import { transportNames, type Delivery } from '@pns/transport-contract';
import type { Redis } from 'ioredis';
import { DispatcherModule } from './dispatcher.module';

log.level = 'silent';

const notification = { v: 1, id: 'n', context: 1, user: 14, topic: 't', payload: {}, priority: 'high', timestamp: 0 };

const folder = mkdtempSync(join(tmpdir(), 'pns-dispatcher-'));
let redis: LocalRedis;
let database: FreshDatabase;
let app: INestApplicationContext;
let queues: Queues;

beforeAll(async () => {
  [redis, database] = await Promise.all([
    startRedis({ dataDir: join(folder, 'redis'), isDurable: false }),
    migratedDatabase(),
  ]);
  writeFileSync(join(folder, 'pns.properties'), '');
  const module = DispatcherModule.forRoot({
    NODE_ENV: 'test',
    PNS_LOG_LEVEL: 'silent',
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    PNS_SHARDS: 2,
    PNS_CONFIG_DIR: folder,
    PNS_HEALTH_PORT: 0,
  });
  app = await NestFactory.createApplicationContext(module, { logger: nestLogger });
  queues = app.get(Queues, { strict: false });
});

afterAll(async () => {
  await app.close();
  await redis.stop();
  await database.drop();
  rmSync(folder, { recursive: true });
});

/** The values of a gauge by its labels. */
async function values(gauge: string): Promise<Record<string, number>> {
  const lines = (await metrics.metrics()).split('\n').filter((line) => line.startsWith(gauge));
  return Object.fromEntries(
    lines.map((line) => {
      const [labels = '', value] = line.slice(gauge.length).split(' ');
      return [labels, Number(value)];
    }),
  );
}

/** Adds a job to a queue without a worker. */
async function add(group: string, name: string, delay = 0): Promise<void> {
  await queues.queue<object>(group, name).add('deliver', { v: 1 }, { delay });
}

it('exports the windows that wait for a dispatcher, and the jobs that wait for missing workers', async () => {
  const windows = app.get(Windows, { strict: false });
  const item = { text: '{"v":1}', expiryAt: 7 };
  const wait = { mode: 'equal', delayMs: 3_600_000, maxDelayMs: 3_600_000, idempotencyKey: '', retentionMs: 1000 };
  for (const shard of [0, 1]) {
    await windows.join(shard, [{ key: `1:14:equal:${shard}`, item, ...wait }], 500, 'x');
    await add(queues.keys.group(shard), deliveryQueue('apns'));
    await add(queues.keys.group(shard), deliveryQueue('apns'), 3_600_000);
  }
  const nodes = app.get(SocketNodes, { strict: false });
  await nodes.heartbeat('living');
  await nodes.retire('dead');
  for (const node of ['living', 'dead', parkedNode]) await add(socketNodeGroup(queues.keys), socketNodeQueue(node));

  expect(await values('pns_windows')).toEqual({ '{state="waiting"}': 2, '{state="due"}': 0, '{state="taken"}': 0 });
  expect(await values('pns_oldest_due_seconds')).toEqual({ '': 0 });
  const depths = await values('pns_queue_depth');
  expect(depths).toMatchObject({
    '{queue="apns",state="waiting"}': 2,
    '{queue="apns",state="delayed"}': 2,
    '{queue="websocket",state="waiting"}': 3,
    '{queue="wns",state="waiting"}': 0,
  });
  expect(depths['{queue="aggregation",state="delayed"}']).toBeGreaterThanOrEqual(2); // includes the sweep of each shard
  expect(Object.keys(depths)).toHaveLength((transportNames.length + 1) * 3);
});

it('does not take windows while Redis is nearly full, and takes them when there is memory', async () => {
  const { redis: connection, keys } = queues;
  const windows = app.get(Windows, { strict: false });
  const ticks = queues.queue<TickJob>(keys.group(0), aggregationQueue);
  await connection.setrange('something large', 20e6, 'x'); // large compared with the buffers of connections
  const [, used] = /used_memory:(\d+)/.exec(await (connection as Redis).info('memory')) ?? [];
  await (connection as Redis).config('SET', 'maxmemory', String(Math.round(Number(used) / 0.97)));
  const isHeld = async (tick: string): Promise<boolean> => {
    const entry = {
      key: `1:14:equal:${tick}`,
      mode: 'equal',
      item: { text: JSON.stringify(notification), expiryAt: 7 },
    };
    const wait = { delayMs: 0, maxDelayMs: 0, idempotencyKey: '', retentionMs: 1000 };
    await windows.join(0, [{ ...entry, ...wait }], 500, tick);
    await ticks.add('tick', { v: 1, dueAt: 0 }, { jobId: tick });
    const state = await eventually('the tick is deferred or done', async () => {
      const now = await ticks.getJobState(tick);
      return (now === 'delayed' || now === 'unknown') && now;
    });
    return state === 'delayed' && (await windows.counts()).due === 1; // otherwise a sweep has taken the window
  };
  let tick = 0;
  // The dispatcher reads the memory of Redis once a second.
  await eventually('a window stays in spite of its tick', () => isHeld(`tick-${++tick}`));
  await (connection as Redis).config('SET', 'maxmemory', '0');
  await eventually('no window is left', async () => {
    const { due, taken } = await windows.counts();
    return due + taken === 0;
  });
});

it('answers a scrape without these metrics while Redis does not answer', async () => {
  process.kill(redis.pid, 'SIGSTOP');
  try {
    const scraped = await metrics.metrics();
    expect(scraped).toContain('process_cpu_seconds_total');
    expect(scraped).not.toMatch(/^pns_(windows|oldest|queue)/m);
  } finally {
    process.kill(redis.pid, 'SIGCONT');
  }
  expect(await values('pns_oldest_due_seconds')).toEqual({ '': 0 });
});

it('exports how many deliveries of every transport are stored as failed', async () => {
  const delivery: Delivery = {
    ...{ id: 'd', notificationId: 'n', context: 1, user: 14, client: 'c', transport: 'apns', token: 't', topic: 't' },
    ...{ payload: {}, priority: 'high', count: 1, timestamp: 1, dueAt: 2, attempt: 10 },
  };
  const failed = { delivery, outcome: 'exhausted', reason: 'HTTP 500', isHeld: false, failedAt: 3 } as const;
  const store = app.get(FailedDeliveryStore, { strict: false });
  await store.record([failed, { ...failed, delivery: { ...delivery, id: 'held' }, isHeld: true }]);
  expect(await values('pns_failed_deliveries')).toMatchObject({
    '{transport="apns",held="false"}': 1,
    '{transport="apns",held="true"}': 1,
    '{transport="webhook",held="false"}': 0,
  });
  await store.take({ ids: ['held'] }, 1, () => Promise.resolve());
  expect(await values('pns_failed_deliveries')).toMatchObject({ '{transport="apns",held="true"}': 0 });
});
