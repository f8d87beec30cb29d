import type { FreshDatabase } from '@pns/local-servers';
import { Client } from 'pg';
import { openDatabase, type StartingDatabase } from './database';
import { HistoryReads } from './history-reads';
import { migratedDatabase } from './testing/migrated-database';

let fresh: FreshDatabase;
let database: StartingDatabase;
let holder: Client;

beforeAll(async () => {
  fresh = await migratedDatabase();
  database = await openDatabase(fresh.url);
  holder = new Client({ connectionString: fresh.url });
  await holder.connect();
});

afterAll(async () => {
  await holder.end();
  await database.destroy();
  await fresh.drop();
});

it('leaves connections for other queries while slow ones read the history, and refuses to let too many wait', async () => {
  const reads = new HistoryReads(database);
  await holder.query('SELECT pg_advisory_lock(1)');
  const waiting = 'SELECT pg_advisory_xact_lock_shared(1) IS NULL AS ended';
  const slow = Array.from({ length: 104 }, () => reads.query<object>(waiting, []));
  expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await expect(reads.query(waiting, [])).rejects.toMatchObject({ code: 'OVERLOADED' });
  await holder.query('SELECT pg_advisory_unlock(1)');
  expect(await Promise.all(slow)).toHaveLength(104);
  expect(await reads.query('SELECT $1::int AS one', [1])).toEqual([{ one: 1 }]);
});
