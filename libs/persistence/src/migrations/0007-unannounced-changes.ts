import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Marks of configuration changes that may not have been announced to every process. */
export class UnannouncedChanges1760000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // The table is unlogged, so that marks cause no disk writes. A crash of Postgres empties it, and every process detects it.
    await runner.query(
      `CREATE UNLOGGED TABLE unannounced_changes (
         id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
         since timestamptz(3) NOT NULL DEFAULT now()
       )`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE unannounced_changes');
  }
}
