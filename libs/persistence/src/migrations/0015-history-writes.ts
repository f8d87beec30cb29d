import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The number of the last write of each process to the history, so that a write whose answer was lost is not repeated. */
export class HistoryWrites1760000000015 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Each row is updated twice a second. With the low fillfactor, its new versions stay in the same page.
    await runner.query(`CREATE TABLE history_writes (
      writer uuid PRIMARY KEY,
      number bigint NOT NULL,
      at     timestamptz(0) NOT NULL
    ) WITH (fillfactor = 10)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE history_writes');
  }
}
