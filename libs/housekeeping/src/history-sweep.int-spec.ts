import { ConfigCascade } from '@pns/config-cascade';
import { freshDatabase, type FreshDatabase } from '@pns/local-servers';
import { HistoryPartitions, PersistenceModule, UsageStore } from '@pns/persistence';
import { log, nestLogger } from '@pns/runtime';
import { RuntimeModule } from '@pns/runtime/app';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Client } from 'pg';
import { HistorySweep } from './history-sweep';

log.level = 'silent';

const hourMs = 3_600_000;

let database: FreshDatabase;
let app: INestApplicationContext;
let sql: Client;

beforeAll(async () => {
  database = await freshDatabase();
  const imports = [RuntimeModule, PersistenceModule.forRoot({ databaseUrl: database.url })];
  app = await NestFactory.createApplicationContext({ module: class {}, imports }, { logger: nestLogger });
  sql = new Client({ connectionString: database.url });
  await sql.connect();
});

afterAll(async () => {
  await sql.end();
  await app.close();
  await database.drop();
});

it('creates the partition of the next day, and drops a day once all of it is older than the retention', async () => {
  const values = new Map([['com.openexchange.pns.history.retention', String(2 * hourMs)]]);
  const cascade = new ConfigCascade({ name: 'server', values });
  const sweep = new HistorySweep(app.get(HistoryPartitions), app.get(UsageStore), cascade);
  const days = async (): Promise<string[]> => {
    const { rows } = await sql.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'history_attempts'::regclass ORDER BY 1`,
    );
    return rows.map(({ name }) => name.replace('history_attempts_', ''));
  };
  const evening = Date.UTC(2026, 10, 29, 22);
  await sweep.sweep(evening);
  expect(await days()).toEqual(['20261129', '20261130']);
  await sweep.sweep(evening + 4 * hourMs - 1);
  expect(await days()).toEqual(['20261129', '20261130', '20261201']);
  await sweep.sweep(evening + 4 * hourMs);
  expect(await days()).toEqual(['20261130', '20261201']);
});

it('removes counts and gaps that are older than their retention', async () => {
  const sweep = new HistorySweep(app.get(HistoryPartitions), app.get(UsageStore), new ConfigCascade());
  const now = Date.UTC(2028, 0, 1);
  const day = (ago: number) => new Date(now - ago * 24 * hourMs);
  for (const ago of [399, 401]) {
    await sql.query(`INSERT INTO usage_hours VALUES ($1, 1, 't', 'c', 'apns', 0, $2, 0, 0)`, [day(ago), ago]);
  }
  for (const ago of [0.5, 1.5]) await sql.query('INSERT INTO history_gaps VALUES ($1, $1, 1)', [day(ago)]);
  await sweep.sweep(now);
  expect((await sql.query('SELECT delivered FROM usage_hours')).rows).toEqual([{ delivered: '399' }]);
  expect((await sql.query('SELECT since FROM history_gaps')).rows).toEqual([{ since: day(0.5) }]);
});
