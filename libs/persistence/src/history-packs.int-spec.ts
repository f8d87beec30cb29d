import { randomUUID } from 'node:crypto';
import type { FreshDatabase } from '@pns/local-servers';
import { openDatabase, type StartingDatabase } from './database';
import { ErasureStore } from './erasure.store';
import { HistoryLookup, type HistoryFilter } from './history-lookup';
import { HistoryPartitions } from './history-partitions';
import { ownerHash, packOf } from './history-packs';
import { HistoryReads } from './history-reads';
import type { HistoryAttempt, HistoryNotification, HistoryRows, HistoryWindow } from './history-rows';
import { HistoryStore } from './history.store';
import { migratedDatabase } from './testing/migrated-database';

let fresh: FreshDatabase;
let database: StartingDatabase;
let store: HistoryStore;
let lookup: HistoryLookup;
let writes = 0;
const writer = randomUUID();

beforeAll(async () => {
  fresh = await migratedDatabase();
  database = await openDatabase(fresh.url);
  store = new HistoryStore(database, new HistoryPartitions(database));
  lookup = new HistoryLookup(new HistoryReads(database));
});

afterAll(async () => {
  await database.destroy();
  await fresh.drop();
});

type Rows = Pick<HistoryRows, 'notifications' | 'windows' | 'attempts'>;

const write = (rows: Partial<Rows>) =>
  store.write({ writer, number: ++writes, notifications: [], windows: [], attempts: [], usage: [], ...rows });

const midnight = Date.UTC(2026, 10, 29);

/** The records of notifications that were accepted every 100 ms, and dispatched and delivered 4 s later. */
function usual(context: number, count: number, users: number, name: string): Rows {
  const notifications = Array.from({ length: count }, (_, index): HistoryNotification => {
    const of = { context, user: 1 + (index % users), topic: 'ox:mail:new', place: index };
    return {
      ...of,
      at: midnight - 1000 + 100 * index,
      notification: `${name}-${index}`,
      windowKey: `key-${index % 7}`,
    };
  });
  const windows = notifications.map(({ at, user, notification, windowKey, place }): HistoryWindow => {
    const targets = [
      { delivery: `d-${notification}`, transport: 'webhook', client: 'crm', subscription: 's' },
    ] as const;
    const times = { at: at + 4000, acceptedAt: at, dueAt: at + 3999 };
    return { ...times, context, user, windowKey, place, notification, count: 1, targets };
  });
  const attempts = windows.map(({ at, dueAt, user, notification, targets }): HistoryAttempt => {
    const ended = { attempt: 1, durationMs: 2.6, outcome: 'delivered', providerId: 'p "1"' };
    return {
      at: at + 1,
      dueAt,
      context,
      user,
      notification,
      ...(targets[0] as HistoryWindow['targets'][number]),
      ...ended,
    };
  });
  return { notifications, windows, attempts };
}

function without<Row extends object>(row: Row, field: keyof Row): object {
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== field));
}

async function count(table: string): Promise<number> {
  const [row] = await database.query<{ count: string }[]>(`SELECT count(*) FROM ${table}`);
  return Number(row?.count);
}

it('writes usual records of a slot as one row, and finds the window and the attempts of each notification', async () => {
  const { notifications, windows, attempts } = usual(1, 250, 3, 'found');
  await write({ notifications, windows, attempts });
  // The three slots have 70, 100 and 80 records. The first slot begins on the day before.
  expect([await count('history_windows'), await count('history_attempts')]).toEqual([0, 0]);
  expect(await count('history_packs')).toBeLessThanOrEqual(8);
  expect(await count('history_packs_20261128')).toBe(0);
  const [storage] = await database.query<object[]>(
    `SELECT attstorage FROM pg_attribute WHERE attrelid = 'history_packs_20261129'::regclass AND attname = 'records'`,
  );
  expect(storage).toEqual({ attstorage: 'e' }); // `e`: not compressed
  const found = await lookup.windowsOf(notifications);
  expect(found).toEqual(windows.map((window) => without(window, 'acceptedAt')));
  const of = notifications.map((notification, index) => ({ ...notification, dueAt: windows[index]?.dueAt }));
  const shown = attempts.map((attempt) => ({ ...without(attempt, 'dueAt'), durationMs: 3 }));
  expect(await lookup.attemptsOf(of)).toEqual(shown);
  // These notifications have no `dueAt`, like notifications whose windows were lost.
  expect(await lookup.attemptsOf(notifications)).toEqual(shown);
});

it('finds records in more slots than one query reads', async () => {
  const { notifications, windows, attempts } = usual(9, 1250, 2, 'spread');
  await write({ notifications, windows, attempts });
  const found = await lookup.windowsOf(notifications);
  expect(found.map((window) => window?.notification)).toEqual(windows.map(({ notification }) => notification));
  const made = await lookup.attemptsOf(notifications.map((one, index) => ({ ...one, dueAt: windows[index]?.dueAt })));
  expect(made.map(({ notification }) => notification)).toEqual(attempts.map(({ notification }) => notification));
});

it('finds the window of a joined notification that is a row, and not a later one with the same key that is packed', async () => {
  const { notifications, windows } = usual(2, 60, 1, 'joined');
  const [first, ...later] = windows.filter((_, index) => index % 7 === 0);
  const joined = { ...(notifications[0] as HistoryNotification), notification: 'second', place: 0 };
  const others = windows.filter(({ place }) => place > 0);
  await write({
    notifications: [...notifications, joined],
    windows: [...others, { ...(first as HistoryWindow), place: 1, count: 2 }],
  });
  const [window, next] = await lookup.windowsOf([joined, ...notifications.filter(({ place }) => place === 7)]);
  expect(window).toMatchObject({ notification: 'joined-0', count: 2 });
  expect(next).toMatchObject({ notification: 'joined-7', count: 1 });
  expect(later).toHaveLength(8);
});

describe('the list', () => {
  const rows = usual(3, 1250, 1, 'listed');
  const ids = (page: { items: readonly HistoryNotification[] }) => page.items.map(({ notification }) => notification);
  const of: HistoryFilter = { context: 3, user: 1, since: 0 };

  beforeAll(async () => {
    const isOther = (_: unknown, index: number) => index === 100 || index === 300;
    const client = 'erp';
    await write({
      ...rows,
      attempts: rows.attempts.map((attempt, index) => (isOther(attempt, index) ? { ...attempt, client } : attempt)),
    });
  });

  it('contains notifications whose deliveries are packed, by client and outcome', async () => {
    const all = rows.notifications.map(({ notification }) => notification).reverse();
    for (const filter of [{ client: 'crm' }, { outcome: 'delivered' }, { client: 'crm', outcome: 'delivered' }]) {
      const isListed = (id: string) => filter.client === undefined || !['listed-100', 'listed-300'].includes(id);
      const found = await lookup.list({ ...of, ...filter }, { limit: 150 });
      expect(ids(found)).toEqual(all.filter(isListed).slice(0, 150));
      const next = await lookup.list({ ...of, ...filter }, { limit: 150, cursor: found.nextCursor });
      expect(ids(next)).toEqual(all.filter(isListed).slice(150, 300));
    }
    expect(ids(await lookup.list({ ...of, outcome: 'gone' }, { limit: 150 }))).toEqual([]);
  });

  it('ends a page after 1,000 notifications of which few match, and continues on the next page', async () => {
    const first = await lookup.list({ ...of, client: 'erp' }, { limit: 100 });
    expect(ids(first)).toEqual(['listed-300']);
    const second = await lookup.list({ ...of, client: 'erp' }, { limit: 100, cursor: first.nextCursor });
    expect([ids(second), second.nextCursor]).toEqual([['listed-100'], undefined]);
  });
});

it('erases the records of a user, and those of a context, from packs, and no others', async () => {
  await write(usual(4, 90, 3, 'erased'));
  await write({ ...usual(5, 90, 3, 'kept') });
  const erasure = new ErasureStore(database, new HistoryPartitions(database));
  const erase = async (owner: { context: number; user?: number }): Promise<number> => {
    let sum = 0;
    for (let erased = 1; erased > 0; sum += erased) erased = await erasure.erase(owner, 1000);
    return sum;
  };
  const textOf = async () => JSON.stringify(await database.query('SELECT * FROM history_packs'));
  const left = async (name: string, user: number) =>
    [...(await textOf()).matchAll(new RegExp(`"${name}-(\\d+)`, 'g'))].filter(([, n]) => 1 + (Number(n) % 3) === user)
      .length;
  expect([await left('erased', 2), await left('erased', 1)]).not.toContain(0);
  const others = await left('erased', 1);
  expect(await erase({ context: 4, user: 2 })).toBe(90);
  expect([await left('erased', 2), await left('erased', 1)]).toEqual([0, others]);
  const kept = await left('kept', 2);
  expect(await erase({ context: 4 })).toBe(180);
  expect(await textOf()).not.toContain('erased-');
  expect([await left('kept', 2), kept]).not.toContain(0);
  expect(await left('kept', 2)).toBe(kept);
  expect(await erase({ context: 4 })).toBe(0);
});

it('erases the records of a user behind many packs of another user with the same hash', async () => {
  const owner = { context: 6, user: 1 };
  // A tenant can choose a user with the same hash, because the hash has no secret.
  const namesake = { context: 8, user: 1157044143 };
  expect(ownerHash(namesake)).toBe(ownerHash(owner));
  await write(usual(namesake.context, 25, 1, 'partition'));
  const { at, kind, contexts, owners, records } = packOf('windows', midnight, [
    [owner.context, 2, 'neighbour'],
    [namesake.context, namesake.user, 'namesake'],
  ]);
  await database.query(
    `INSERT INTO history_packs (at, kind, contexts, owners, records)
     SELECT $1, $2, $3, $4, $5 FROM generate_series(1, 250)`,
    [new Date(at), kind, contexts, owners, records],
  );
  await write(usual(owner.context, 90, 1, 'behind'));
  const erasure = new ErasureStore(database, new HistoryPartitions(database));
  while ((await erasure.erase(owner, 1000)) > 0);
  const left = JSON.stringify(await database.query('SELECT records FROM history_packs'));
  expect([left.includes('behind-'), left.split('namesake').length - 1]).toEqual([false, 250]);
});
