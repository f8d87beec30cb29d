import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { freshDatabase, type FreshDatabase } from '@pns/local-servers';
import { migrationNames } from '@pns/persistence/migrations';
import { Client } from 'pg';
import { root } from './doc-page';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database?.drop());

/** Runs the command of the job in the Helm chart. */
function runMigration(url: string) {
  const env = { PATH: process.env['PATH'] ?? '', DATABASE_URL: url };
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'apps', 'api', 'dist', 'migrate.js')], {
    env,
    encoding: 'utf8',
  });
  return { status, stderr };
}

it('migrates an empty database and ends, and may be repeated', async () => {
  expect(runMigration(database.url)).toEqual({ status: 0, stderr: '' });
  expect(runMigration(database.url)).toEqual({ status: 0, stderr: '' });
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query<{ name: string }>('SELECT name FROM migrations ORDER BY id');
  await client.end();
  expect(rows.map(({ name }) => name)).toEqual(migrationNames);
});

it('ends with 1 and one sentence if Postgres refuses the database', () => {
  const { status, stderr } = runMigration(`${database.url}_missing`);
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^Postgres at .+ refuses: .+ Correct DATABASE_URL\.\n$/)]);
});
