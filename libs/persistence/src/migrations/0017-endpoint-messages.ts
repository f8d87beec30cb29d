import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements = [
  // announced: the highest percentage in a message to the operator, which was sent at announced_at. Endpoints that already have a
  // warning were announced before this migration.
  `ALTER TABLE endpoints ADD COLUMN announced smallint NOT NULL DEFAULT 0, ADD COLUMN announced_at timestamptz(3)`,
  `UPDATE endpoints SET announced = warned WHERE warned > 0`,
  `CREATE INDEX endpoints_unannounced ON endpoints (transport, client, origin, warned) WHERE warned > announced`,
  `CREATE INDEX endpoints_announced ON endpoints (transport, client, origin, announced, announced_at)
   WHERE announced_at IS NOT NULL`,
];

/** Marks the endpoints that were announced to the operator, so that a server causes one message an hour. */
export class EndpointMessages1760000000017 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE endpoints DROP COLUMN announced, DROP COLUMN announced_at');
  }
}
