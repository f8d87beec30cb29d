import { ConfigCascade } from '@pns/config-cascade';
import type { FreshDatabase } from '@pns/local-servers';
import { HistoryPartitions, PersistenceModule, UsageStore } from '@pns/persistence';
import { migratedDatabase } from '@pns/persistence/testing';
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
  database = await migratedDatabase();
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

it('adds up the smallest counts of a context with very many topics, an hour after the hour has ended', async () => {
  const hour = new Date(Date.UTC(2027, 0, 1));
  const insert = `INSERT INTO usage_hours SELECT $1::timestamptz, $2::int, 't' || n, 'c', 'apns', 0, n, 0, 0 FROM generate_series(1, $3::int) n`;
  await sql.query(insert, [hour, 7, 1500]);
  await sql.query(insert, [hour, 8, 1000]);
  await sql.query(`INSERT INTO usage_hours VALUES ($1, 7, 't', '', '', 1, 0, 0, 0)`, [hour]);
  const sweep = new HistorySweep(app.get(HistoryPartitions), app.get(UsageStore), new ConfigCascade());
  const counts = async (context: number) => {
    const { rows } = await sql.query<{ counts: number; delivered: number; notifications: number }>(
      `SELECT count(*)::int AS counts, sum(delivered)::int AS delivered, sum(notifications)::int AS notifications
       FROM usage_hours WHERE hour = $1 AND context_id = $2`,
      [hour, context],
    );
    return rows[0];
  };
  await sweep.sweep(hour.getTime() + 2 * hourMs - 1);
  expect(await counts(7)).toEqual({ counts: 1501, delivered: 1_125_750, notifications: 1 });
  for (const later of [2, 3]) {
    await sweep.sweep(hour.getTime() + later * hourMs);
    expect(await counts(7)).toEqual({ counts: 1002, delivered: 1_125_750, notifications: 1 });
    expect(await counts(8)).toEqual({ counts: 1000, delivered: 500_500, notifications: 0 });
  }
  const { rows } = await sql.query(
    `SELECT client, transport, delivered FROM usage_hours WHERE topic = '*' ORDER BY client`,
  );
  expect(rows).toEqual([
    { client: '', transport: '', delivered: '0' },
    { client: '*', transport: 'apns', delivered: '125250' },
  ]);
});
