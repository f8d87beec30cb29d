import { randomBytes, randomUUID } from 'node:crypto';
import type { FreshDatabase } from '@pns/local-servers';
import type { DataSource } from 'typeorm';
import { AuditStore } from './audit.store';
import { openDatabase } from './database';
import { tokenHash } from './registration';
import { Seal } from './seal';
import { SubscriptionStore } from './subscription.store';
import { TokenSpellingStore, type SpellingRules } from './token-spelling.store';
import { migratedDatabase } from './testing/migrated-database';

let fresh: FreshDatabase;
let database: DataSource;
let store: TokenSpellingStore;
let subscriptions: SubscriptionStore;

beforeAll(async () => {
  fresh = await migratedDatabase();
  database = await openDatabase(fresh.url);
  store = new TokenSpellingStore(database);
  subscriptions = new SubscriptionStore(database, new Seal([randomBytes(32)]));
});

afterEach(() => database.query('TRUNCATE subscriptions, audit_entries'));

afterAll(async () => {
  await database.destroy();
  await fresh.drop();
});

const rules: SpellingRules = {
  normalToken: (_, token) => token.toLowerCase(),
  holderOf: (transport) => (transport === 'webhook' ? 'first' : 'last'),
};

interface Old {
  readonly token: string;
  readonly user?: number;
  readonly context?: number;
  readonly transport?: string;
  readonly isShared?: boolean;
  /** In minutes. */
  readonly createdAgo?: number;
  readonly updatedAgo?: number;
  readonly expiredAgo?: number;
}

/** Stores a subscription as an earlier version did; returns its id. */
async function stored(old: Old): Promise<string> {
  const { token, user = 14, context = 1, transport = 'apns', isShared = false, createdAgo = 60 } = old;
  const { updatedAgo = createdAgo, expiredAgo } = old;
  const id = randomUUID();
  await database.query(
    `INSERT INTO subscriptions (id, context_id, user_id, client, transport, token, token_hash, topics, shared, created_at,
       updated_at, expires_at)
     VALUES ($1, $2, $3, 'app', $4, $5, $6, '{"*"}', $7, now() - $8 * interval '1 min', now() - $9 * interval '1 min',
       now() - $10::float8 * interval '1 min')`,
    [id, context, user, transport, token, tokenHash(token), isShared, createdAgo, updatedAgo, expiredAgo ?? null],
  );
  return id;
}

async function respellAll(limit = 2): Promise<{ respelled: number; merged: number }> {
  const all = { respelled: 0, merged: 0 };
  for (;;) {
    const { seen, respelled, merged } = await store.respell(limit, rules);
    if (seen === 0) return all;
    all.respelled += respelled;
    all.merged += merged;
  }
}

async function left(): Promise<Record<string, string>> {
  const rows = await database.query<{ id: string; token: string; token_hash: Buffer }[]>(
    'SELECT id, token, token_hash FROM subscriptions',
  );
  for (const { token, token_hash } of rows) expect(token_hash).toEqual(tokenHash(token));
  return Object.fromEntries(rows.map(({ id, token }) => [id, token]));
}

it('converts each token once, and keeps those in normal form', async () => {
  const ids = [await stored({ token: 'AA' }), await stored({ token: 'bb' }), await stored({ token: 'Cc', user: 15 })];
  await subscriptions.register({
    ...{ context: 2, user: 1, client: 'app', transport: 'apns', token: 'DD', topics: ['*'], isShared: false },
  });
  expect(await respellAll()).toEqual({ respelled: 2, merged: 0 });
  expect(await left()).toMatchObject({ [ids[0] ?? '']: 'aa', [ids[1] ?? '']: 'bb', [ids[2] ?? '']: 'cc' });
  expect(Object.values(await left())).toContain('DD');
  expect(await respellAll()).toEqual({ respelled: 0, merged: 0 });
});

it.each<[what: string, rows: Old[], kept: number[]]>([
  [
    'the newest of one user',
    [
      { token: 'AA', updatedAgo: 5 },
      { token: 'aa', updatedAgo: 9 },
      { token: 'Aa', updatedAgo: 7 },
    ],
    [0],
  ],
  [
    'a newest one in normal form',
    [
      { token: 'AA', updatedAgo: 5 },
      { token: 'aa', updatedAgo: 1 },
    ],
    [1],
  ],
  [
    'the last of two users of a device',
    [
      { token: 'AA', updatedAgo: 1 },
      { token: 'aa', user: 15, updatedAgo: 5 },
    ],
    [0],
  ],
  [
    'the last of two contexts',
    [
      { token: 'AA', updatedAgo: 5 },
      { token: 'aa', context: 2, updatedAgo: 1 },
    ],
    [1],
  ],
  [
    'an unexpired one beside an expired one',
    [
      { token: 'AA', updatedAgo: 9 },
      { token: 'aa', updatedAgo: 1, expiredAgo: 1 },
    ],
    [0],
  ],
  [
    'the first of two users of a URI',
    [
      { token: 'AA', transport: 'webhook', createdAgo: 1 },
      { token: 'aa', user: 15, transport: 'webhook', createdAgo: 5 },
    ],
    [1],
  ],
  [
    'every user of a shared URI',
    [
      { token: 'AA', transport: 'webhook', isShared: true },
      { token: 'aa', user: 15, transport: 'webhook', isShared: true },
      { token: 'Aa', user: 16, transport: 'webhook', isShared: true },
    ],
    [0, 1, 2],
  ],
  [
    'one for each user of a shared URI',
    [
      { token: 'AA', transport: 'webhook', isShared: true, updatedAgo: 2 },
      { token: 'aa', transport: 'webhook', isShared: true, updatedAgo: 1 },
      { token: 'Aa', user: 16, transport: 'webhook', isShared: true },
    ],
    [1, 2],
  ],
  ['tokens of different transports', [{ token: 'AA' }, { token: 'aa', transport: 'fcm' }], [0, 1]],
])('keeps %s', async (_, rows, kept) => {
  const ids: string[] = [];
  for (const row of rows) ids.push(await stored(row));
  const { merged } = await respellAll();
  const expected = Object.fromEntries(kept.map((at): [string, string] => [ids[at] ?? '', 'aa']));
  expect([await left(), merged]).toEqual([expected, rows.length - kept.length]);
});

it('keeps one subscription when several processes convert it and a client registers it at the same time', async () => {
  const spellings = ['AABB', 'aabb', 'AAbb', 'aaBB', 'aAbB', 'AaBb'];
  for (const [at, token] of spellings.entries()) await stored({ token, user: at + 1, updatedAgo: 10 - at });
  const register = subscriptions.register({
    ...{ context: 2, user: 9, client: 'app', transport: 'apns', token: 'aabb', topics: ['*'], isShared: false },
  });
  await Promise.all([respellAll(), respellAll(), respellAll(3), register]);
  const { subscription } = await register;
  expect(await left()).toEqual({ [subscription.id]: 'aabb' });
});

it('records in the audit log that a user lost a device token, but not a duplicate of the same user', async () => {
  await stored({ token: 'AA', updatedAgo: 5 });
  await stored({ token: 'aA', updatedAgo: 4 });
  const taken = await stored({ token: 'aa', context: 2, updatedAgo: 1 });
  await respellAll();
  expect(Object.keys(await left())).toEqual([taken]);
  const { items } = await new AuditStore(database).list({}, { limit: 10 });
  const lost = items.filter(({ action }) => action === 'subscription.lost');
  expect(lost).toEqual(expect.arrayContaining([expect.objectContaining({ context: 1 })]));
  expect(items.filter(({ action, keyId }) => action === 'subscription.taken-over' && keyId === 'system')).toHaveLength(
    lost.length,
  );
});

it('keeps a token whose normal form is too long', async () => {
  const token = 'x'.repeat(4096);
  const id = await stored({ token });
  const long = { ...rules, normalToken: (_: string, each: string) => `${each}y` };
  expect(await store.respell(10, long)).toEqual({ seen: 1, respelled: 0, merged: 0 });
  expect(await left()).toEqual({ [id]: token });
});
