import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements = [
  // Versions come from one sequence, so that a row that is removed and added again never gets an earlier version.
  `ALTER TABLE contexts ADD COLUMN version bigint NOT NULL DEFAULT nextval('config_version')`,
  `ALTER TABLE users ADD COLUMN version bigint NOT NULL DEFAULT nextval('config_version')`,
  // The name of a context is a tag. It is unique, because contexts with the same name would match the same context sets.
  `CREATE UNIQUE INDEX contexts_name ON contexts (name)`,
  // Every context with users must be in the list of contexts.
  `INSERT INTO contexts (context_id) SELECT DISTINCT context_id FROM users ON CONFLICT DO NOTHING`,
];

/** The directory: contexts and users with versions, so that concurrent changes are detected. */
export class Directory1760000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX contexts_name');
    await runner.query('ALTER TABLE users DROP COLUMN version');
    await runner.query('ALTER TABLE contexts DROP COLUMN version');
  }
}
