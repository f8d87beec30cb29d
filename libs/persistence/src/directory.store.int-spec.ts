import type { FreshDatabase } from '@pns/local-servers';
import type { DataSource } from 'typeorm';
import { openDatabase } from './database';
import { DirectoryStore } from './directory.store';
import { ErasureStore } from './erasure.store';
import { HistoryPartitions } from './history-partitions';
import { LoginsInNfc1760000000012 } from './migrations/0012-logins-in-nfc';
import { migratedDatabase } from './testing/migrated-database';

let fresh: FreshDatabase;
let database: DataSource;
let directory: DirectoryStore;

beforeAll(async () => {
  fresh = await migratedDatabase();
  database = await openDatabase(fresh.url);
  directory = new DirectoryStore(database);
});

afterAll(async () => {
  await database.destroy();
  await fresh.drop();
});

const version = expect.stringMatching(/^\d+$/) as string;

describe('a user', () => {
  const john = {
    context: 1,
    user: 14,
    primaryEmail: 'john@example.com',
    logins: ['john', 'john@example.com'],
    tags: ['vip'],
  };

  it('is stored and found by login in any case', async () => {
    const put = await directory.put({ ...john, logins: ['John', 'john', 'john@EXAMPLE.com'], tags: ['vip', 'vip'] });
    expect(put).toEqual({ ...john, version });
    expect(await directory.get(john)).toEqual(put);
    expect(await directory.userByLogin('JOHN@example.com')).toEqual({ context: 1, user: 14 });
    await directory.put({ context: 1, user: 14, logins: ['jd'], tags: [] });
    expect(await directory.get(john)).toEqual({ context: 1, user: 14, logins: ['jd'], tags: [], version });
    expect(await directory.userByLogin('john')).toBeUndefined();
    expect(await directory.get({ context: 2, user: 14 })).toBeUndefined();
  });

  it('is found by login in any Unicode form', async () => {
    const user = { context: 1, user: 15 };
    const forms = ['Jürgen@Example.com', 'ju\u0308rgen@example.com', 'JU\u0308RGEN@EXAMPLE.COM'];
    const put = await directory.put({ ...user, logins: forms, tags: [] });
    expect(put.logins).toEqual(['jürgen@example.com']);
    for (const form of forms) expect(await directory.userByLogin(form)).toEqual(user);
    const other = { context: 1, user: 16, logins: [forms[2] ?? ''], tags: [] };
    await expect(directory.put(other)).rejects.toMatchObject({ code: 'LOGIN_TAKEN' });
  });

  it('adds its context, and does not change an existing one', async () => {
    await directory.put({ ...john, context: 21, logins: [] });
    expect(await directory.context(21)).toEqual({ context: 21, tags: [], version });
    const context = await directory.putContext({ context: 22, name: 'acme', tags: ['gold'] });
    await directory.put({ ...john, context: 22, logins: [] });
    expect(await directory.context(22)).toEqual(context);
  });

  it('cannot have a login of another user, and then nothing changes', async () => {
    await directory.put(john);
    const other = { context: 2, user: 14, logins: ['other', 'john'], tags: [] };
    await expect(directory.put(other)).rejects.toMatchObject({ code: 'LOGIN_TAKEN' });
    expect(await directory.get(other)).toBeUndefined();
    expect(await directory.context(2)).toBeUndefined();
    expect(await directory.userByLogin('other')).toBeUndefined();
  });

  it('can be written concurrently', async () => {
    const writes = Array.from({ length: 20 }, (_, index) =>
      directory.put({ context: 5, user: 1, logins: index % 2 === 0 ? ['a', 'b'] : ['b', 'a', 'c'], tags: [] }),
    );
    const results = await Promise.allSettled(writes);
    for (const result of results) expect(result).toMatchObject({ status: 'fulfilled' });
  });

  it('can be changed or removed only once with the same version', async () => {
    const key = { context: 6, user: 1 };
    const read = await directory.put({ ...key, logins: [], tags: [] });
    const second = await directory.put({ ...key, logins: ['six'], tags: ['a'] }, read);
    const changed = { code: 'VERSION_CHANGED' };
    await expect(directory.put({ ...key, logins: [], tags: ['b'] }, read)).rejects.toMatchObject(changed);
    await expect(directory.remove(key, read)).rejects.toMatchObject(changed);
    expect(await directory.get(key)).toEqual(second);
    await directory.remove(key, second);
    expect(await directory.get(key)).toBeUndefined();
    expect(await directory.userByLogin('six')).toBeUndefined();
    await expect(directory.put({ ...key, logins: [], tags: [] }, second)).rejects.toMatchObject(changed);
  });
});

describe('a context', () => {
  it('is stored, changed and removed, and only once with the same version', async () => {
    const first = await directory.putContext({ context: 31, name: 'first', tags: ['a', 'b', 'a'] });
    expect(first).toEqual({ context: 31, name: 'first', tags: ['a', 'b'], version });
    const second = await directory.putContext({ context: 31, tags: [] }, first);
    expect(second).toEqual({ context: 31, tags: [], version });
    const changed = { code: 'VERSION_CHANGED' };
    await expect(directory.putContext({ context: 31, tags: ['c'] }, first)).rejects.toMatchObject(changed);
    await expect(directory.remove({ context: 31 }, first)).rejects.toMatchObject(changed);
    expect(await directory.context(31)).toEqual(second);
    await directory.remove({ context: 31 }, second);
    expect(await directory.context(31)).toBeUndefined();
  });

  it('cannot have the name of another context', async () => {
    await directory.putContext({ context: 41, name: 'taken', tags: [] });
    const taken = { code: 'CONTEXT_NAME_TAKEN' };
    await expect(directory.putContext({ context: 42, name: 'taken', tags: [] })).rejects.toMatchObject(taken);
    await directory.putContext({ context: 41, tags: [] });
    await directory.putContext({ context: 42, name: 'taken', tags: [] });
  });
});

it('lists contexts and users by id, page by page', async () => {
  for (const user of [3, 1, 2, 10]) await directory.put({ context: 51, user, logins: [], tags: [] });
  const first = await directory.users(51, { limit: 3 });
  expect(first.items.map(({ user }) => user)).toEqual([1, 2, 3]);
  const { nextCursor: cursor } = first;
  const rest = await directory.users(51, { limit: 3, cursor });
  expect(rest.items.map(({ user }) => user)).toEqual([10]);
  expect(rest.nextCursor).toBeUndefined();
  await directory.putContext({ context: 52, tags: [] });
  const contexts = await directory.contexts({ limit: 500 });
  const ids = contexts.items.map(({ context }) => context);
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  expect(ids).toEqual(expect.arrayContaining([51, 52]));
  await expect(directory.users(51, { limit: 3, cursor: 'bm8' })).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
});

describe('the erasure', () => {
  const count = async (context: number): Promise<number> => {
    const [row] = await database.query<{ count: string }[]>('SELECT count(*) FROM users WHERE context_id = $1', [
      context,
    ]);
    return Number(row?.count);
  };

  it('works in steps and does not touch other users and contexts', async () => {
    for (const context of [61, 62]) {
      await database.query(
        'INSERT INTO users (context_id, user_id) SELECT $1, user_id FROM generate_series(1, 2500) AS user_id',
        [context],
      );
    }
    const rows = new ErasureStore(database, new HistoryPartitions(database));
    expect(await rows.erase({ context: 61, user: 7 }, 1000)).toBe(1);
    expect(await rows.erase({ context: 61, user: 7 }, 1000)).toBe(0);
    const steps = [];
    for (let erased = 1; erased > 0; steps.push(erased)) erased = await rows.erase({ context: 61 }, 1000);
    expect(steps).toEqual([1000, 1000, 499, 0]);
    expect(await count(62)).toBe(2500);
  });

  it('covers every table that names a context, except the audit log', async () => {
    await new HistoryPartitions(database).create(Date.now());
    // Partitioned tables are left out, because their rows are deleted from the partitions.
    const named = await database.query<{ table: string }[]>(
      `SELECT table_name AS table FROM information_schema.columns WHERE column_name = 'context_id' AND table_schema = 'public'
       AND table_name NOT IN (SELECT partrelid::regclass::text FROM pg_partitioned_table)`,
    );
    expect(named.filter(({ table }) => table.startsWith('history_'))).toHaveLength(3);
    for (const { table } of named.filter((each) => each.table !== 'audit_entries')) {
      const hasUser = await database.query<unknown[]>(
        `SELECT FROM information_schema.columns WHERE column_name = 'user_id' AND table_name = $1`,
        [table],
      );
      // A trigger on each table refuses the statement, so the error names the table.
      await database.query(`CREATE OR REPLACE FUNCTION refuse_delete() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'touched %', TG_TABLE_NAME; END $$`);
      await database.query(`CREATE TRIGGER refuse_delete BEFORE DELETE ON ${table} EXECUTE FUNCTION refuse_delete()`);
      const owners = [{ context: 99 }, ...(hasUser.length > 0 ? [{ context: 99, user: 1 }] : [])];
      for (const owner of owners) {
        if (table === 'user_logins') continue; // logins are deleted with their users
        await expect(new ErasureStore(database, new HistoryPartitions(database)).erase(owner, 1)).rejects.toThrow(
          `touched ${table}`,
        );
      }
      await database.query(`DROP TRIGGER refuse_delete ON ${table}`);
    }
  });
});

it('logins of older versions are converted to one form, and one of two equal logins stays', async () => {
  const rows = [
    ['ju\u0308rgen', 71],
    ['jürgen', 72],
    ['e\u0301mile', 73],
    ['plain', 74],
    ['o\u0304\u0323', 75],
    ['o\u0323\u0304', 76],
  ] as const;
  for (const [login, user] of rows) {
    await directory.put({ context: 70, user, logins: [], tags: [] });
    await database.query('INSERT INTO user_logins (login, context_id, user_id) VALUES ($1, 70, $2)', [login, user]);
  }
  const runner = database.createQueryRunner();
  for (let time = 0; time < 2; time++) {
    await new LoginsInNfc1760000000012().up(runner);
    const kept = await database.query<{ login: string; user: number }[]>(
      'SELECT login, user_id AS user FROM user_logins WHERE context_id = 70 ORDER BY user_id',
    );
    expect(kept.map(({ login, user }) => [login, user])).toEqual([
      ['jürgen', 72],
      ['émile', 73],
      ['plain', 74],
      ['o\u0323\u0304'.normalize('NFC'), expect.any(Number)],
    ]);
  }
  await runner.release();
});
