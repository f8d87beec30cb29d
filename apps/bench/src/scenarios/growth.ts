import { execFileSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { Windows } from '@pns/aggregation';
import type { System } from '@pns/e2e';
import { freshDatabase } from '@pns/local-servers';
import { migrate } from '@pns/persistence';
import type { UserKey } from '@pns/subscriptions';
import { connectRedis, KeySpace } from '@pns/redis';
import { deliveryQueue, Queues, type DeliveryJob } from '@pns/queue';
import { Client } from 'pg';
import { cpuCosts } from '../cpu';
import { mailNotification } from '../notifications';
import { Producer } from '../producer';
import { end } from '../profile';
import type { Measured, Scenario, Size } from '../scenario';
import { startMeasured } from '../servers';

/** The numbers of subscriptions that are compared. Each user has one subscription. */
const [many, few] = [1_000_000, 10_000];
/** On both sides the same number of users and contexts get notifications; only the number of inactive users differs. */
const active = 10_000;
const usualContexts = 1000;

const shards = 8;
const batchSize = 100;
/** Concurrent requests. */
const inFlight = 8;
/** The window of a notification, in ms. It is subtracted from the measured time. */
const delayMs = 1000;
/** The number of first notifications, which are not measured, because code is compiled meanwhile. */
const warmUp = 10_000;
const notificationsOf = (size: Size): number => (size === 'full' ? 60_000 : 20_000);
/** The number of users without an earlier request, whom no cache contains. Their rate is one of the details. */
const strangers = 20_000;

/** Coprime to the numbers of users, so that consecutive users are in different pages of the table. */
const stride = 700_001;

/** No worker runs, so the deliveries to Apple stay in their queues and are counted there. */
const transport = 'apns';
const properties = { 'com.openexchange.pns.transport.apn.ios.enabled': 'true' };

/** The content of Postgres: one subscription for each user, distributed evenly over the contexts. */
interface Stock {
  readonly subscriptions: number;
  readonly contexts: number;
}

/** Measures notifications a second through ingest and dispatch. */
export const withStock =
  (stock: Stock) =>
  (size: Size): Promise<Measured> =>
    withSubscriptions(stock, async (databaseUrl) => {
      const system = await startMeasured({
        processes: { api: 1, dispatcher: 1 },
        properties,
        env: { DATABASE_URL: databaseUrl, PNS_SHARDS: String(shards) },
      });
      try {
        return await measured(system, stock, notificationsOf(size));
      } finally {
        await end(system, [...system.all('api'), ...system.all('dispatcher')]);
      }
    });

/** Gives `work` a separate database with this stock. */
export async function withSubscriptions<Result>(
  stock: Stock,
  work: (databaseUrl: string) => Promise<Result>,
): Promise<Result> {
  const database = await freshDatabase();
  try {
    await migrate(database.url);
    await fill(database.url, stock);
    return await work(database.url);
  } finally {
    await database.drop();
  }
}

async function fill(url: string, { subscriptions, contexts }: Stock): Promise<void> {
  const postgres = new Client({ connectionString: url });
  await postgres.connect();
  // The table is unlogged, because its data need not survive a crash. The deleted indexes serve other queries.
  await postgres.query('ALTER TABLE subscriptions SET UNLOGGED');
  await postgres.query('DROP INDEX subscriptions_sole_holder, subscriptions_token, subscriptions_creation');
  // The rows are like those of the API. Without `is_token_normal` the API would convert all tokens during the measurement.
  await postgres.query(
    `INSERT INTO subscriptions (id, context_id, user_id, client, transport, token, token_hash, topics, is_token_normal)
     SELECT lpad(to_hex(n), 32, '0')::uuid, 1 + n / $2, 1 + n % $2, 'mobile', $3, n::text, sha256(n::text::bytea), '{ox:mail:*}', true
     FROM generate_series(0, $1 - 1) AS n`,
    [subscriptions, subscriptions / contexts, transport],
  );
  await postgres.query('VACUUM (ANALYZE) subscriptions');
  await postgres.query('CHECKPOINT');
  await postgres.end();
  // Pending writes of the system would delay the writes of Redis.
  execFileSync('sync');
}

async function measured(system: System, { subscriptions, contexts }: Stock, amount: number): Promise<Measured> {
  const [api, dispatcher] = [system.app('api'), system.app('dispatcher')];
  const queues = new Queues(connectRedis(system.redis.url), new KeySpace(shards));
  const producer = new Producer(api.url, inFlight);
  try {
    const send = async (first: number, count: number, users: number): Promise<Measured> => {
      const bodies = batches(first, count, (index) => {
        const holder = ((index * stride) % users) * (subscriptions / users);
        const usersPerContext = subscriptions / contexts;
        return { context: 1 + Math.floor(holder / usersPerContext), user: 1 + (holder % usersPerContext) };
      });
      const costs = cpuCosts({
        api: api.child.pid ?? 0,
        dispatcher: dispatcher.child.pid ?? 0,
        Redis: system.redis.pid,
      });
      const startedAt = performance.now();
      await producer.postAll(bodies);
      await allDispatched(queues);
      const seconds = (performance.now() - startedAt - delayMs) / 1000;
      const { lost, duplicated } = countedOf(await deliveriesIn(queues), first, count);
      return { value: count / seconds, lost, duplicated, costs: costs(count) };
    };
    await send(0, warmUp, active);
    const usual = await send(warmUp, amount, active);
    if (subscriptions === active) return usual;
    const unknown = await send(warmUp + amount, strangers, subscriptions);
    return {
      value: usual.value,
      lost: usual.lost + unknown.lost,
      duplicated: usual.duplicated + unknown.duplicated,
      costs: usual.costs ?? {},
      details: { 'a second to users not seen before': unknown.value },
    };
  } finally {
    await producer.close();
    await queues.onApplicationShutdown();
  }
}

function batches(first: number, count: number, userOf: (index: number) => UserKey): string[] {
  return Array.from({ length: count / batchSize }, (_, batch) => {
    const notifications = Array.from({ length: batchSize }, (_, at) => {
      const index = first + batch * batchSize + at;
      return { ...mailNotification(index), ...userOf(index) };
    });
    return JSON.stringify({ notifications });
  });
}

/** Resolves when no window waits, and no dispatcher has taken one. */
async function allDispatched({ redis, keys }: Queues): Promise<void> {
  const windows = new Windows(redis, keys);
  const notYet = -3_600_000; // a negative age, so that windows that are due within the next hour count too
  for (let open = 1; open > 0; await setTimeout(20)) {
    const waiting = await windows.overdue(notYet);
    const taken = await Promise.all(keys.all().map((shard) => windows.unsettledBatches(shard, notYet)));
    open = waiting.reduce((sum, count) => sum + count, 0) + taken.flat().length;
  }
}

/** The ids of the mails whose deliveries are in the queues. */
async function deliveriesIn(queues: Queues): Promise<number[]> {
  const ids: number[] = [];
  for (const shard of queues.keys.all()) {
    const queue = queues.queue<DeliveryJob>(queues.keys.group(shard), deliveryQueue(transport));
    const jobs = await queue.getJobs(['waiting', 'prioritized', 'delayed']);
    ids.push(...jobs.flatMap(({ data }) => data.deliveries.map(({ payload }) => Number(payload['id']))));
  }
  return ids;
}

function countedOf(ids: readonly number[], first: number, count: number): { lost: number; duplicated: number } {
  const expected = ids.filter((id) => id >= first && id < first + count);
  const different = new Set(expected).size;
  return { lost: count - different, duplicated: expected.length - different };
}

/** A million subscriptions compared with ten thousand; the number must not matter. */
export const growth: Scenario = {
  name: 'growth',
  unit: 'notifications/s',
  ours: withStock({ subscriptions: many, contexts: usualContexts }),
  baseline: withStock({ subscriptions: few, contexts: usualContexts }),
  goals: [{ atLeast: 0.9 }],
};
