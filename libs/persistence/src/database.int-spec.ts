import { cuttableLink, freePort, freshDatabase, type FreshDatabase } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { log } from '@pns/runtime';
import { DataSource } from 'typeorm';
import { isDatabaseAway, migrate, openDatabase } from './database';
import { migrations } from './migrations';

log.level = 'silent';
let fresh: FreshDatabase;

beforeEach(async () => {
  fresh = await freshDatabase();
});

afterEach(() => fresh.drop());

describe('openDatabase', () => {
  it('migrates once when many processes start at the same time', async () => {
    const databases = await Promise.all(Array.from({ length: 8 }, () => openDatabase(fresh.url)));
    const [first] = databases;
    const applied = await first?.query<unknown[]>('SELECT * FROM migrations');
    const distinct = await first?.query<unknown[]>('SELECT DISTINCT name FROM migrations');
    await Promise.all(databases.map((database) => database.destroy()));
    expect(applied?.length).toBeGreaterThan(0);
    expect(applied).toHaveLength(distinct?.length ?? 0);
  });

  it('leaves no difference between the tables and the entities', async () => {
    await migrate(fresh.url);
    const database = await openDatabase(fresh.url);
    for (const { tableName, columns } of database.entityMetadatas) {
      const actual = await database.query<{ name: string }[]>(
        'SELECT column_name AS name FROM information_schema.columns WHERE table_name = $1 ORDER BY 1',
        [tableName],
      );
      const mapped = columns.filter(({ isVirtualProperty }) => !isVirtualProperty);
      expect(actual.map(({ name }) => name)).toEqual(mapped.map(({ databaseName }) => databaseName).sort());
    }
    await database.destroy();
  });

  it('can revert its migrations', async () => {
    const url = fresh.url;
    await migrate(url);
    const database = await new DataSource({ type: 'postgres', url, migrations }).initialize();
    for (let undone = 0; undone < migrations.length; undone++) await database.undoLastMigration();
    const left = await database.query<unknown[]>(
      `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name <> 'migrations'`,
    );
    await database.destroy();
    expect(left).toEqual([]);
  });

  it('waits for a server that has not started yet', async () => {
    const link = await cuttableLink(fresh.url);
    link.cut();
    const warned = jest.spyOn(log, 'warn');
    const opening = openDatabase(link.url);
    await eventually('a warning is logged', () => warned.mock.calls.length > 0);
    link.mend();
    const database = await opening;
    await expect(database.query('SELECT 1')).resolves.toHaveLength(1);
    await database.destroy();
    await link.close();
    expect(warned.mock.calls[0]?.[0]).toMatchObject({
      event: 'database.waiting',
      where: new URL(link.url).host + new URL(link.url).pathname,
    });
  });

  it('waits for a server that stops at any step of the migration', async () => {
    for (let step = 1, steps = 2; step < steps; step += Math.ceil(steps / 12)) {
      const database = await freshDatabase();
      const link = await cuttableLink(database.url);
      link.onRefuse = () => link.mend();
      link.onSend = (portions) => {
        steps = Math.max(steps, portions);
        if (portions === step) link.cut();
      };
      const opened = await openDatabase(link.url);
      await expect(opened.query('SELECT id FROM subscriptions')).resolves.toEqual([]);
      await opened.destroy();
      await link.close();
      await database.drop();
    }
  });

  it('reconnects automatically after all connections were cut', async () => {
    const link = await cuttableLink(fresh.url);
    const database = await openDatabase(link.url);
    link.cut();
    const failure: unknown = await database.query('SELECT 1').catch((error: unknown) => error);
    expect(isDatabaseAway(failure)).toBe(true);
    link.mend();
    const answer = await firstAnswer(database);
    await database.destroy();
    await link.close();
    expect(answer).toHaveLength(1);
  });

  it('fails with a sentence that names the server but no password', async () => {
    const url = new URL(fresh.url);
    url.password = 'sesame';
    url.host = `127.0.0.1:${await freePort()}`;
    const failure = await openDatabase(url.href, 300).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    expect((failure as Error).message).toContain(`127.0.0.1:${url.port}`);
    expect((failure as Error).message).not.toContain('sesame');
  });

  it('does not wait for a database that does not exist', async () => {
    const url = new URL(fresh.url);
    url.pathname = '/pns_no_such_database';
    await expect(openDatabase(url.href)).rejects.toMatchObject({ code: 'DATABASE_REFUSED' });
  });
});

/** Waits for the first answer. A query on a broken connection must reject with an error that `isDatabaseAway` recognises. */
function firstAnswer(database: DataSource): Promise<unknown[]> {
  return eventually('Postgres answers', async () => {
    try {
      return await database.query<unknown[]>('SELECT 1');
    } catch (error) {
      expect(isDatabaseAway(error)).toBe(true);
      return undefined;
    }
  });
}
