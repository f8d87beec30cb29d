import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { FreshDatabase } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import type { Delivery } from '@pns/transport-contract';
import type { DataSource } from 'typeorm';
import { ApiKeyStore } from './api-key.store';
import { openDatabase } from './database';
import { FailedDeliveryStore } from './failed-delivery.store';
import { migratedDatabase } from './testing/migrated-database';

let fresh: FreshDatabase;
let database: DataSource;

beforeAll(async () => {
  fresh = await migratedDatabase();
  database = await openDatabase(fresh.url);
});

afterAll(async () => {
  await database.destroy();
  await fresh.drop();
});

describe('API keys', () => {
  const hashOf = (key: string) => createHash('sha256').update(key).digest();

  it('are found by hash, listed and removed', async () => {
    const keys = new ApiKeyStore(database);
    const key = await keys.add({ name: 'mail', scopes: ['admin', 'ingest', 'ingest'] }, hashOf('a'));
    expect(key).toMatchObject({ name: 'mail', scopes: ['ingest', 'admin'] });
    expect(await keys.byHash(hashOf('a'))).toEqual(key);
    expect(await keys.byHash(hashOf('b'))).toBeUndefined();
    const second = await keys.add(
      { name: 'second', scopes: ['client'], contexts: [2, 1, 2], expiresAt: 5000 },
      hashOf('c'),
    );
    expect(second).toMatchObject({ contexts: [1, 2], expiresAt: 5000 });
    expect(await keys.get(second.id)).toEqual(second);
    const page = await keys.list({ limit: 1 });
    expect(page.items).toEqual([key]);
    expect(await keys.list({ limit: 1, cursor: page.nextCursor })).toEqual({ items: [second] });
    expect(await keys.remove(key.id)).toBe(true);
    expect(await keys.remove(key.id)).toBe(false);
    expect(await keys.byHash(hashOf('a'))).toBeUndefined();
  });

  it('store their last use and never an earlier one', async () => {
    const keys = new ApiKeyStore(database);
    const { id } = await keys.add({ name: 'used', scopes: ['ingest'] }, hashOf('used'));
    await keys.used(new Map([[id, 2000]]));
    await keys.used(
      new Map([
        [id, 1000],
        [randomUUID(), 5],
      ]),
    );
    await keys.used(new Map());
    expect((await keys.byHash(hashOf('used')))?.lastUsedAt).toBe(2000);
  });
});

describe('API keys of an erased context', () => {
  it('lose the context, are deleted with their last context, and never become valid for all', async () => {
    const keys = new ApiKeyStore(database);
    const made = await Promise.all(
      [[7], [7, 8], [8], undefined].map((contexts) =>
        keys.add({ name: 'x', scopes: ['admin'], ...(contexts && { contexts }) }, randomBytes(32)),
      ),
    );
    const [only, one, other, all] = made.map(({ id }) => id);
    expect(new Set(await keys.eraseContext(7))).toEqual(new Set([only, one]));
    const left = await Promise.all([only, one, other, all].map((id) => keys.get(id ?? '')));
    expect(left.map((key) => key && (key.contexts ?? 'all'))).toEqual([undefined, [8], [8], 'all']);
  });
});

it('API keys of two contexts that are erased at the same time keep their other contexts', async () => {
  const keys = new ApiKeyStore(database);
  const { id } = await keys.add({ name: 'x', scopes: ['admin'], contexts: [70, 80] }, randomBytes(32));
  const other = database.createQueryRunner();
  await other.startTransaction();
  await other.query('UPDATE api_keys SET contexts = array_remove(contexts, 80) WHERE 80 = ANY (contexts)');
  const erasing = keys.eraseContext(70);
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
  await eventually('the erasure waits for the lock', async () => (await database.query<unknown[]>(waiting)).length > 0);
  await other.commitTransaction();
  await other.release();
  expect(await erasing).toEqual([id]);
  expect(await keys.get(id)).toBeUndefined();
});

describe('failed deliveries', () => {
  const toSockets: Delivery = {
    id: 'delivery-2',
    notificationId: 'notification-1',
    context: 1,
    user: 14,
    client: 'mobile',
    transport: 'apns',
    token: 'token-1',
    topic: 'ox:mail:new',
    payload: { folder: 'default0/INBOX', odd: 'a\0b\ud800', nested: [1, { goes: null }] },
    priority: 'high',
    count: 1,
    timestamp: 1,
    dueAt: 2,
    attempt: 10,
  };
  const delivery: Delivery = { ...toSockets, id: 'delivery-1', subscriptionId: randomUUID() };

  it('are stored completely, with any characters, and only once', async () => {
    const store = new FailedDeliveryStore(database);
    const failed = { delivery, outcome: 'exhausted' as const, reason: 'HTTP 500\0', isHeld: false, failedAt: 3 };
    const again = { ...failed, outcome: 'rejected' as const, reason: 'no', failedAt: 4 };
    await store.record([failed, { ...failed, delivery: toSockets }, again]);
    await store.record([again]);
    await store.record([]);
    expect(await store.get('delivery-1')).toEqual(again);
    expect(await store.get('delivery-2')).toEqual({ ...failed, delivery: toSockets, reason: 'HTTP 500 ' });
    expect(await database.query<unknown[]>('SELECT 1 FROM failed_deliveries')).toHaveLength(2);
  });

  it('are stored a thousand at a time', async () => {
    const batch = Array.from({ length: 1000 }, (_, index) => ({
      delivery: { ...delivery, id: `many-${index}` },
      outcome: 'gone' as const,
      reason: 'HTTP 410',
      isHeld: false,
      failedAt: 5,
    }));
    await new FailedDeliveryStore(database).record(batch);
    expect(await new FailedDeliveryStore(database).get('many-999')).toEqual(batch[999]);
  });
});
