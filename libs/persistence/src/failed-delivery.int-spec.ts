import { freshDatabase, type FreshDatabase } from '@pns/local-servers';
import type { Delivery } from '@pns/transport-contract';
import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { migrate, openDatabase } from './database';
import { migrations } from './migrations';
import { FailedDeliveryStore, type FailedDelivery } from './failed-delivery.store';
import { migratedDatabase } from './testing/migrated-database';

function failed(
  id: string,
  changes: Partial<FailedDelivery> & { transport?: Delivery['transport'] } = {},
): FailedDelivery {
  const { transport = 'apns', ...more } = changes;
  const delivery: Delivery = {
    ...{ id, notificationId: 'n', context: 1, user: 14, client: 'mobile', transport, token: 't', topic: 'ox:mail:new' },
    ...{ payload: {}, priority: 'high', count: 1, timestamp: 1, dueAt: 2, attempt: 10 },
  };
  return { delivery, outcome: 'exhausted', reason: 'HTTP 500', isHeld: false, failedAt: 3, ...more };
}

const byName = (counts: readonly { transport: string; isHeld: boolean; count: number }[]): object =>
  Object.fromEntries(
    counts.filter(({ count }) => count > 0).map((each) => [`${each.transport} ${each.isHeld}`, each.count]),
  );

describe('the number of failed deliveries', () => {
  let fresh: FreshDatabase;
  let database: DataSource;
  let store: FailedDeliveryStore;

  beforeAll(async () => {
    fresh = await migratedDatabase();
    database = await openDatabase(fresh.url);
    store = new FailedDeliveryStore(database);
  });

  afterAll(async () => {
    await database.destroy();
    await fresh.drop();
  });

  async function counted(): Promise<object> {
    const rows = await database.query<{ transport: string; isHeld: boolean; count: number }[]>(
      'SELECT transport, held AS "isHeld", count(*)::int AS count FROM failed_deliveries GROUP BY transport, held',
    );
    return byName(rows);
  }

  const record = fc.record({
    kind: fc.constant('record' as const),
    batch: fc.array(fc.tuple(fc.nat(9), fc.constantFrom('apns', 'webhook'), fc.boolean()), { maxLength: 12 }),
  });
  const take = fc.record({ kind: fc.constant('take' as const), limit: fc.nat(5), isHeld: fc.boolean() });
  const others = fc.record({ kind: fc.constantFrom('truncate' as const, 'undo' as const) });

  it('is correct without a count of the rows, after any sequence of changes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 5, arbitrary: record }, take, others), { maxLength: 10 }),
        async (steps) => {
          for (const step of steps) {
            if (step.kind === 'record') {
              await store.record(step.batch.map(([id, transport, isHeld]) => failed(`d-${id}`, { transport, isHeld })));
            } else if (step.kind === 'take') {
              await store.take({ isHeld: step.isHeld }, step.limit, () => Promise.resolve());
            } else if (step.kind === 'truncate') {
              await database.query('TRUNCATE failed_deliveries');
            } else {
              await store.take({}, 3, () => Promise.reject(new Error('Redis is away'))).catch(() => undefined);
            }
          }
          expect(byName(await store.counts())).toEqual(await counted());
        },
      ),
      { numRuns: 30 },
    );
  });

  it('is stored in few rows after many changes, also concurrent ones', async () => {
    // The test writes in rounds, because a query that gets no connection of the pool within 5 s fails.
    for (let round = 0; round < 30; round++) {
      await Promise.all(Array.from({ length: 20 }, (_, index) => store.record([failed(`many-${round}-${index}`)])));
    }
    expect(byName(await store.counts())).toEqual(await counted());
    const [{ rows } = { rows: NaN }] = await database.query<{ rows: number }[]>(
      'SELECT count(*)::int AS rows FROM failed_delivery_changes',
    );
    expect(rows).toBeLessThan(590);
  });
});

it('failed deliveries of versions without the outcome exhausted get it, and are counted', async () => {
  const fresh = await freshDatabase();
  const before = migrations.filter(({ name }) => !name.startsWith('ExhaustedDeliveries'));
  const old = await new DataSource({ type: 'postgres', url: fresh.url, migrations: before }).initialize();
  await old.runMigrations({ transaction: 'all' });
  const insert = (id: string, outcome: string) =>
    old.query(
      `INSERT INTO failed_deliveries (delivery_id, notification_id, context_id, user_id, client, transport, topic, outcome,
         reason, attempts, delivery, failed_at) VALUES ($1, 'n', 1, 14, 'c', 'wns', 't', $2, 'r', 10, '{}', now())`,
      [id, outcome],
    );
  await insert('tried', 'retry');
  await insert('bad', 'rejected');
  await old.destroy();
  await migrate(fresh.url);
  const database = await openDatabase(fresh.url);
  const store = new FailedDeliveryStore(database);
  const { items } = await store.list({ outcome: 'exhausted' }, { limit: 10 });
  expect(items.map(({ outcome, reason }) => [outcome, reason])).toEqual([['exhausted', 'r']]);
  expect(await store.counts()).toEqual([{ transport: 'wns', isHeld: false, count: 2 }]);
  // A worker that is older than the migration stores this outcome.
  await database.query("UPDATE failed_deliveries SET outcome = 'retry'");
  expect((await store.list({ outcome: 'exhausted' }, { limit: 10 })).items.map(({ outcome }) => outcome)).toEqual([
    'exhausted',
    'exhausted',
  ]);
  await database.destroy();
  await fresh.drop();
});
