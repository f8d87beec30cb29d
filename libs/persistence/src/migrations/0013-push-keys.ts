import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The keys of Web Push subscriptions, and pairs of keys of the server. Both are encrypted. */
export class PushKeys1760000000013 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE subscriptions ADD COLUMN keys bytea');
    await runner.query(
      `CREATE TABLE server_keys (
         name       varchar(64) PRIMARY KEY,
         pair       bytea NOT NULL,
         created_at timestamptz(3) NOT NULL DEFAULT now()
       )`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE server_keys');
    await runner.query('ALTER TABLE subscriptions DROP COLUMN keys');
  }
}
