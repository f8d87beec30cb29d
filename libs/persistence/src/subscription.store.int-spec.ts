import { randomBytes, randomUUID } from 'node:crypto';
import type { FreshDatabase } from '@pns/local-servers';
import type { DataSource } from 'typeorm';
import { openDatabase } from './database';
import { DirectoryStore } from './directory.store';
import { Seal } from './seal';
import type { Registration } from './registration';
import { SubscriptionStore } from './subscription.store';
import { migratedDatabase } from './testing/migrated-database';

let fresh: FreshDatabase;
let database: DataSource;
let store: SubscriptionStore;

beforeAll(async () => {
  fresh = await migratedDatabase();
  database = await openDatabase(fresh.url);
  store = new SubscriptionStore(database, new Seal([randomBytes(32)]));
});

afterEach(() => database.query('TRUNCATE subscriptions, users CASCADE'));

afterAll(async () => {
  await database.destroy();
  await fresh.drop();
});

function registration(changes: Partial<Registration> = {}): Registration {
  return {
    context: 1,
    user: 14,
    client: 'mobile',
    transport: 'apns',
    token: 'token-1',
    topics: ['ox:mail:*'],
    isShared: false,
    ...changes,
  };
}

describe('registering', () => {
  it('stores all values', async () => {
    const expiresAt = Date.now() + 60_000;
    const said = registration({
      expiresAt,
      meta: { authorization: 'x\0y', nested: { n: 1 } },
      topics: ['*', 'ox:mail:new'],
    });
    const { subscription, isNew } = await store.register(said);
    expect(isNew).toBe(true);
    expect(subscription).toMatchObject(said);
    expect(await store.get(subscription.id)).toEqual(subscription);
  });

  it('again replaces topics, expiry and meta and keeps the id', async () => {
    const first = await store.register(registration({ expiresAt: Date.now() + 60_000, meta: { a: 1 } }));
    const second = await store.register(registration({ topics: ['ox:calendar:*'] }));
    expect(second.isNew).toBe(false);
    expect(second.subscription).toEqual({
      ...registration({ topics: ['ox:calendar:*'] }),
      id: first.subscription.id,
      createdAt: first.subscription.createdAt,
      updatedAt: second.subscription.updatedAt,
      version: second.subscription.version,
    });
    expect(second.subscription.version).not.toBe(first.subscription.version);
  });

  it('takes a token over from a user of any context, but only for the same client and transport', async () => {
    await store.register(registration({ user: 15 }));
    await store.register(registration({ context: 2 }));
    await store.register(registration({ user: 15, client: 'other' }));
    await store.register(registration({ user: 15, transport: 'fcm' }));
    await store.register(registration());
    const { items } = await store.list({ tokens: { apns: 'token-1', fcm: 'token-1' } }, { limit: 10 });
    expect(items.map(({ context, user, client, transport }) => [context, user, client, transport])).toEqual([
      [1, 15, 'other', 'apns'],
      [1, 15, 'mobile', 'fcm'],
      [1, 14, 'mobile', 'apns'],
    ]);
  });

  it('lets several users have a shared token', async () => {
    const shared = { client: 'hook', transport: 'webhook', token: 'https://x.example/', isShared: true } as const;
    await Promise.all([14, 15, 16].map((user) => store.register(registration({ ...shared, user }))));
    expect((await store.list({ client: 'hook' }, { limit: 10 })).items).toHaveLength(3);
    await store.register(registration({ ...shared, user: 17, isShared: false }));
    expect((await store.list({ client: 'hook' }, { limit: 10 })).items.map(({ user }) => user)).toEqual([17]);
  });

  it('gives a token to exactly one of many concurrent registrations', async () => {
    const users = Array.from({ length: 12 }, (_, index) => index + 1);
    const results = await Promise.all(
      [...users, ...users].map((user) =>
        store.register(registration({ user, context: (user % 3) + 1 }), { maxPerClient: 5 }),
      ),
    );
    const { items } = await store.list({ tokens: { apns: 'token-1' } }, { limit: 100 });
    expect(items).toHaveLength(1);
    expect(results.map(({ subscription }) => subscription.id)).toContain(items[0]?.id);
  });

  it('returns the same id for concurrent registrations of a token by one user', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => store.register(registration())));
    expect(new Set(results.map(({ subscription }) => subscription.id)).size).toBe(1);
    expect(results.filter(({ isNew }) => isNew)).toHaveLength(1);
  });

  it('keeps the limits, also concurrently, and does not count expired subscriptions and the replaced one', async () => {
    await store.register(registration({ token: 'expired', expiresAt: Date.now() - 1 }), { maxPerClient: 3 });
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) =>
        store.register(registration({ token: `token-${index}` }), { maxPerClient: 3 }),
      ),
    );
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(7);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'SUBSCRIPTION_LIMIT' });
    const live = (await store.list({ user: 14 }, { limit: 10 })).items.filter(({ token }) => token !== 'expired');
    expect(live).toHaveLength(3);
    await expect(
      store.register(registration({ token: live[0]?.token ?? '' }), { maxPerClient: 3 }),
    ).resolves.toMatchObject({
      isNew: false,
    });
  });

  it('distinguishes tokens of the greatest length by their last byte', async () => {
    const long = 'x'.repeat(4095);
    await store.register(registration({ token: `${long}a` }));
    await store.register(registration({ token: `${long}b` }));
    expect((await store.list({ user: 14 }, { limit: 10 })).items).toHaveLength(2);
  });
});

describe('the lookup of a batch', () => {
  it('returns the unexpired subscriptions of exactly these users, with their e-mail address', async () => {
    await new DirectoryStore(database).put({
      context: 1,
      user: 14,
      primaryEmail: 'john@example.com',
      logins: [],
      tags: [],
    });
    await store.register(registration({ meta: { a: 1 } }));
    await store.register(registration({ token: 'token-2', user: 15 }));
    await store.register(registration({ token: 'token-3', user: 16 }));
    await store.register(registration({ token: 'token-4', context: 2 }));
    await store.register(registration({ token: 'token-5', expiresAt: Date.now() - 1000 }));
    await store.register(registration({ token: 'token-6', expiresAt: Date.now() + 60_000 }));
    const wanted = [
      { context: 1, user: 14 },
      { context: 1, user: 15 },
      { context: 1, user: 14 },
      { context: 2, user: 16 },
    ];
    const strangers = Array.from({ length: 20 }, (_, at) => ({ context: 3, user: at + 1 }));
    for (const users of [wanted, [...wanted, ...strangers]]) {
      const found = await store.subscriptionsOf(users);
      expect(found.map(({ token, email1, hasMeta }) => [token, email1, hasMeta]).sort()).toEqual([
        ['token-1', 'john@example.com', true],
        ['token-2', undefined, false],
        ['token-6', 'john@example.com', false],
      ]);
    }
    expect(await store.subscriptionsOf([])).toEqual([]);
  });

  it('reads an index and not the table', async () => {
    await database.query(
      `INSERT INTO subscriptions (id, context_id, user_id, client, transport, token, token_hash, topics)
       SELECT gen_random_uuid(), n % 50 + 1, n, 'mobile', 'apns', n::text, sha256(n::text::bytea), '{"*"}'
       FROM generate_series(1, 20000) n`,
    );
    await database.query('ANALYZE subscriptions');
    const plan = await database.query<{ 'QUERY PLAN': string }[]>(
      `EXPLAIN SELECT * FROM unnest($1::int[], $2::int[]) AS wanted (context_id, user_id)
       JOIN subscriptions s ON s.context_id = wanted.context_id AND s.user_id = wanted.user_id`,
      [
        [1, 2, 3],
        [50, 1, 2],
      ],
    );
    expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toContain('subscriptions_holder');
  });
});

describe('the lookup for deliveries in progress', () => {
  it('returns the ids of existing, unexpired subscriptions', async () => {
    const idOf = async (changes: Partial<Registration>) =>
      (await store.register(registration(changes))).subscription.id;
    const [live, later] = [await idOf({}), await idOf({ token: 'token-2', expiresAt: Date.now() + 60_000 })];
    const expired = await idOf({ token: 'token-3', expiresAt: Date.now() - 1 });
    const takenOver = await idOf({ token: 'token-4' });
    const taker = await idOf({ token: 'token-4', user: 15 });
    const found = await store.liveAmong([live, later, expired, takenOver, taker, randomUUID(), live]);
    expect([...found].sort()).toEqual([live, later, taker].sort());
  });

  it('makes no query without ids', async () => {
    const query = jest.spyOn(database, 'query');
    expect(await store.liveAmong([])).toEqual(new Set());
    expect(query).not.toHaveBeenCalled();
    query.mockRestore();
  });
});

it('meta is returned for existing subscriptions, and unreadable meta does not affect others', async () => {
  const idOf = async (into: SubscriptionStore, token: string, meta = {}) =>
    (await into.register(registration({ token, ...meta }))).subscription.id;
  const [one, bare] = [await idOf(store, 'token-1', { meta: { a: 1 } }), await idOf(store, 'token-2')];
  const stranger = new SubscriptionStore(database, new Seal([randomBytes(32)]));
  const sealedByAnother = await idOf(stranger, 'token-3', { meta: { a: 1 } });
  const found = await store.metaOf([one, bare, sealedByAnother, randomUUID()]);
  expect([...found.keys()].sort()).toEqual([one, bare, sealedByAnother].sort());
  expect([found.get(one)?.(), found.get(bare)?.()]).toEqual([{ a: 1 }, undefined]);
  expect(() => found.get(sealedByAnother)?.()).toThrow('PNS_ENCRYPTION_KEY');
});

describe('listing and removing', () => {
  it('by topic alone reads an index and not the table', async () => {
    await database.query(
      `INSERT INTO subscriptions (id, context_id, user_id, client, transport, token, token_hash, topics)
       SELECT gen_random_uuid(), n % 50 + 1, n, 'mobile', 'apns', n::text, sha256(n::text::bytea),
              CASE WHEN n % 1000 = 0 THEN '{ox:rare:*}' ELSE '{ox:mail:*}' END::text[]
       FROM generate_series(1, 20000) n`,
    );
    await database.query('ANALYZE subscriptions');
    const wanted = 's.topics && $1::text[]';
    for (const statement of [
      `SELECT s.* FROM subscriptions s WHERE ${wanted} ORDER BY s.created_at, s.id LIMIT 101`,
      `DELETE FROM subscriptions WHERE id IN (SELECT s.id FROM subscriptions s WHERE ${wanted})`,
    ]) {
      const plan = await database.query<{ 'QUERY PLAN': string }[]>(`EXPLAIN ${statement}`, [
        ['ox:rare:*', 'ox:rare:one'],
      ]);
      const lines = plan.map((line) => line['QUERY PLAN']).join('\n');
      expect(lines).toContain('Bitmap Index Scan on subscriptions_topics');
      expect(lines).not.toContain('Seq Scan');
    }
  });

  it('lists every row once, also rows of the same millisecond', async () => {
    await database.query(
      `INSERT INTO subscriptions (id, context_id, user_id, client, transport, token, token_hash, topics)
       SELECT gen_random_uuid(), 1, n, 'mobile', 'apns', n::text, sha256(n::text::bytea), '{"*"}'
       FROM generate_series(1, 23) n`,
    );
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.list({ context: 1 }, { limit: 5, cursor });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toHaveLength(23);
    expect(new Set(seen).size).toBe(23);
  });

  it.each([
    [{ context: 2 }, ['d']],
    [{ user: 15 }, ['b']],
    [{ client: 'desktop' }, ['c']],
    [{ transport: 'wns' as const }, ['c']],
    [{ tokens: { apns: 'a', wns: 'b' } }, ['a']],
    [{ tokens: { apns: 'b', wns: 'c' } }, ['b', 'c']],
    [{ tokens: { fcm: 'a' } }, []],
    [{ tokens: {} }, []],
    [{ topic: 'ox:mail:new' }, ['a', 'b', 'd']],
    [{ topic: 'ox:mail:*' }, ['a']],
    [{ topic: 'ox:calendar:updates' }, ['c', 'd']],
    [{ context: 1, user: 14, client: 'mobile' }, ['a']],
    [{ context: 3 }, []],
  ])('filters by %j', async (filter, expected) => {
    await store.register(registration({ token: 'a' }));
    await store.register(registration({ token: 'b', user: 15, topics: ['ox:mail:new'] }));
    await store.register(registration({ token: 'c', client: 'desktop', transport: 'wns', topics: ['ox:calendar:*'] }));
    await store.register(registration({ token: 'd', context: 2, topics: ['*'] }));
    const { items } = await store.list(filter, { limit: 10 });
    expect(items.map(({ token }) => token)).toEqual(expected);
    expect(await store.removeMatching(filter)).toBe(expected.length);
    expect((await store.list({}, { limit: 10 })).items).toHaveLength(4 - expected.length);
  });

  it('refuses a cursor that it did not create', async () => {
    await expect(store.list({}, { limit: 5, cursor: 'nonsense' })).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
  });

  it('removes by id and returns whether it existed', async () => {
    const { subscription } = await store.register(registration());
    const other = await store.register(registration({ token: 'token-2' }));
    expect(await store.remove(randomUUID())).toBe(false);
    expect(await store.remove(subscription.id)).toBe(true);
    expect(await store.remove(subscription.id)).toBe(false);
    expect(await store.remove(other.subscription.id)).toBe(true);
  });

  it('removes a subscription with a dead target, unless it was registered again or changed since', async () => {
    const register = async (token: string) => (await store.register(registration({ token }))).subscription;
    const [dead, renewed, changed] = [await register('dead'), await register('renewed'), await register('changed')];
    const deadAt = changed.updatedAt + 1;
    await database.query('SELECT pg_sleep(0.01)');
    await register('renewed');
    await store.change(changed.id, { topics: ['*'] });
    const targets = [dead.id, dead.id, renewed.id, changed.id, randomUUID()].map((id) => ({ id, deadAt }));
    expect(await store.removeDead(targets)).toBe(1);
    expect(await store.removeDead([])).toBe(0);
    const { items } = await store.list({}, { limit: 10 });
    expect(items.map(({ token }) => token)).toEqual(['renewed', 'changed']);
    expect(await store.removeDead([{ id: renewed.id, deadAt: Date.now() }])).toBe(1);
  });

  it('uses the age of a dead target, not the clock of Postgres', async () => {
    const hourFast = Date.now() + 3_600_000;
    const { subscription: dead } = await store.register(registration({ token: 'dead' }));
    const { subscription: renewed } = await store.register(registration({ token: 'renewed' }));
    const clock = jest.spyOn(Date, 'now').mockReturnValue(hourFast);
    const targets = [
      { id: dead.id, deadAt: hourFast },
      { id: renewed.id, deadAt: hourFast - 60_000 },
    ];
    const removed = await store.removeDead(targets);
    clock.mockRestore();
    expect(removed).toBe(1);
    expect(await store.get(renewed.id)).toBeDefined();
  });
});

describe('changing', () => {
  it('keeps the other fields', async () => {
    const said = registration({ expiresAt: Date.now() + 60_000, meta: { a: 1 } });
    const { subscription } = await store.register(said);
    const changed = await store.change(subscription.id, { topics: ['*', '*'] });
    expect(changed).toEqual({
      ...subscription,
      topics: ['*'],
      updatedAt: changed?.updatedAt,
      version: changed?.version,
    });
    expect(await store.get(subscription.id)).toEqual(changed);
  });

  it('replaces and removes', async () => {
    const { subscription } = await store.register(registration({ expiresAt: Date.now() + 60_000, meta: { a: 1 } }));
    const expiresAt = Date.now() + 120_000;
    expect(await store.change(subscription.id, { expiresAt, meta: { b: '\0' } })).toMatchObject({
      expiresAt,
      meta: { b: '\0' },
    });
    const bare = await store.change(subscription.id, { expiresAt: null, meta: null });
    expect(bare).not.toHaveProperty('expiresAt');
    expect(bare).not.toHaveProperty('meta');
  });

  it('does nothing for an unknown id', async () => {
    expect(await store.change(randomUUID(), { topics: ['*'] })).toBeUndefined();
  });

  it('or removing succeeds only once with the same version', async () => {
    const { subscription: read } = await store.register(registration());
    const changed = await store.change(read.id, { topics: ['*'] }, read);
    const late = { code: 'VERSION_CHANGED' };
    await expect(store.change(read.id, { topics: ['a'] }, read)).rejects.toMatchObject(late);
    await expect(store.change(read.id, { topics: ['a'] }, { versions: ['9'.repeat(18), '0'] })).rejects.toMatchObject(
      late,
    );
    await expect(store.remove(read.id, read)).rejects.toMatchObject(late);
    expect(await store.get(read.id)).toEqual(changed);
    expect(await store.remove(read.id, changed)).toBe(true);
    await expect(store.remove(read.id, 'present')).rejects.toMatchObject(late);
  });
});

it('only expired subscriptions are removed, in portions', async () => {
  const expired = [1, 2, 3].map((user) =>
    registration({ user, token: `t${user}`, expiresAt: Date.now() - 1000 * user }),
  );
  for (const each of expired) await store.register(each);
  const kept = [registration({ user: 4, token: 't4', expiresAt: Date.now() + 60_000 }), registration({ user: 5 })];
  for (const each of kept) await store.register(each);
  expect(await store.removeExpired(2)).toBe(2);
  expect((await store.list({ user: 1 }, { limit: 10 })).items.length).toBe(1); // the subscription that expired last is still listed
  expect(await store.removeExpired(2)).toBe(1);
  expect(await store.removeExpired(2)).toBe(0);
  expect((await store.list({}, { limit: 10 })).items.map(({ user }) => user)).toEqual([4, 5]);
});
