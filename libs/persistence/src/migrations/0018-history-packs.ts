import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements = [
  // at: the start of the ten seconds of all records of the row. contexts, owners: the contexts and owner hashes of these records.
  `CREATE TABLE history_packs (
     at       timestamptz(0) NOT NULL,
     kind     text COLLATE "C" NOT NULL,
     contexts integer[] NOT NULL,
     owners   integer[] NOT NULL,
     records  text NOT NULL
   ) PARTITION BY RANGE (at)`,
  // EXTERNAL means no compression, which would halve the bytes, but double the CPU time of a write.
  `ALTER TABLE history_packs ALTER COLUMN records SET STORAGE EXTERNAL`,
  `CREATE INDEX history_packs_slot ON history_packs (kind, at)`,
];

/** Many usual records of the history in one row. The table has a partition for each day, like the tables of single records. */
export class HistoryPacks1760000000018 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE history_packs');
  }
}
