import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Changes of the cascade that not every process may have been told of yet. */
export class UnannouncedChanges1760000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Unlogged, so that it costs no write to the disk: a crash of Postgres, which empties it, is a sign to every process.
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
