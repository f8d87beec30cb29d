import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements = [
  // A row is one URI of one client that fails, is deferred or is switched off. warned: the highest reported percentage. releases:
  // how many times kept deliveries had to be sent again. released: how many of these times are done.
  `CREATE TABLE endpoints (
     id             uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
     transport      varchar(16) NOT NULL,
     client         text NOT NULL,
     token_hash     bytea NOT NULL CHECK (octet_length(token_hash) = 32),
     origin         text NOT NULL,
     reason         text NOT NULL,
     failing_since  timestamptz(3),
     failed_at      timestamptz(3),
     deferred_since timestamptz(3),
     deferred_until timestamptz(3),
     succeeded_at   timestamptz(3),
     off_at         timestamptz(3),
     warned         smallint NOT NULL DEFAULT 0,
     releases       integer NOT NULL DEFAULT 0,
     released       integer NOT NULL DEFAULT 0,
     created_at     timestamptz(3) NOT NULL DEFAULT now(),
     changed_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (transport, client, token_hash)
   )`,
  `CREATE INDEX endpoints_changed ON endpoints (transport, changed_at)`,
  `CREATE INDEX endpoints_listed ON endpoints (created_at, id)`,
  `CREATE INDEX endpoints_failing ON endpoints (transport, warned, failing_since) WHERE off_at IS NULL`,
  // This index serves the step to 100 %. An endpoint without traffic never takes this step and stays at 90 %.
  `CREATE INDEX endpoints_lasting ON endpoints (transport, (failed_at - failing_since)) WHERE off_at IS NULL AND warned = 90`,
  `CREATE INDEX endpoints_releasing ON endpoints (transport) WHERE released < releases`,
  // The hash of the token, while a delivery is kept because its endpoint is switched off.
  `ALTER TABLE failed_deliveries ADD COLUMN endpoint bytea`,
  // CREATE INDEX reads the table, which is locked, and indexes no row. 200,000 rows (180 MB) took 1.4 s on a busy machine;
  // workers that want to write wait for up to 20 s and then run their jobs again, so nothing is lost. CONCURRENTLY would have to
  // leave the transaction of all migrations, and would wait for processes that wait for the migration lock.
  `CREATE INDEX failed_deliveries_endpoint ON failed_deliveries (transport, client, endpoint, failed_at)
   WHERE endpoint IS NOT NULL`,
];

/** Endpoints that fail for a long time, and the deliveries that are kept while they are switched off. */
export class Endpoints1760000000016 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE failed_deliveries DROP COLUMN endpoint');
    await runner.query('DROP TABLE endpoints');
  }
}
