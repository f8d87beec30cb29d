import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigCascade } from '@pns/config-cascade';
import type { FreshDatabase } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { PersistenceModule } from '@pns/persistence';
import { migratedDatabase } from '@pns/persistence/testing';
import { log, nestLogger } from '@pns/runtime';
import { RuntimeModule } from '@pns/runtime/app';
import { Client } from 'pg';
import { AuditSweep, EndpointSweep, FailedSweep, HistorySweep, HourlySweeps } from './index';

log.level = 'silent';

let database: FreshDatabase;
let sql: Client;
let app: INestApplicationContext | undefined;

beforeEach(async () => {
  database = await migratedDatabase();
  sql = new Client({ connectionString: database.url });
  await sql.connect();
});

afterEach(async () => {
  jest.restoreAllMocks();
  await app?.close();
  await sql.end();
  await database.drop();
});

async function addOldRows(): Promise<void> {
  await sql.query(
    `INSERT INTO audit_entries (id, at, key_id, key_name, action, resource, request_id)
     VALUES (gen_random_uuid(), now() - interval '366 days', 'k', 'k', 'a', 'r', 'q')`,
  );
  await sql.query(
    `INSERT INTO failed_deliveries (delivery_id, notification_id, context_id, user_id, client, transport, topic, outcome,
       reason, attempts, delivery, failed_at)
     VALUES ('d', 'n', 1, 14, 'c', 'wns', 't', 'exhausted', 'r', 10, '{}', now() - interval '3000 days')`,
  );
  await sql.query(`INSERT INTO usage_hours VALUES (now() - interval '401 days', 1, 't', 'c', 'apns', 0, 1, 0, 0)`);
}

const untilSwept = (when: string) =>
  eventually(`the old rows were removed ${when}`, async () => {
    const { rows } = await sql.query<{ left: number }>(
      `SELECT ((SELECT count(*) FROM audit_entries) + (SELECT count(*) FROM failed_deliveries)
         + (SELECT count(*) FROM usage_hours))::int AS left`,
    );
    return rows[0]?.left === 0;
  });

it('removes old rows at the start and every hour', async () => {
  const intervals = jest.spyOn(globalThis, 'setInterval');
  await addOldRows();
  app = await NestFactory.createApplicationContext(
    {
      module: class {},
      imports: [RuntimeModule, PersistenceModule.forRoot({ databaseUrl: database.url })],
      providers: [
        ...[AuditSweep, EndpointSweep, FailedSweep, HistorySweep, HourlySweeps],
        { provide: ConfigCascade, useValue: new ConfigCascade() },
      ],
    },
    { logger: nestLogger },
  );
  await untilSwept('at the start');
  const hourly = intervals.mock.calls.filter(([, ms]) => ms === 3_600_000);
  expect(hourly).toHaveLength(1);
  await addOldRows();
  hourly[0]?.[0]();
  await untilSwept('after an hour');
});
