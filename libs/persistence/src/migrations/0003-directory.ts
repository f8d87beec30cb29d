import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements = [
  // From the same sequence as those of properties, for the same reason.
  `ALTER TABLE contexts ADD COLUMN version bigint NOT NULL DEFAULT nextval('config_version')`,
  `ALTER TABLE users ADD COLUMN version bigint NOT NULL DEFAULT nextval('config_version')`,
  // A context's name is a tag: two contexts of one name would share what is meant for one of them.
  `CREATE UNIQUE INDEX contexts_name ON contexts (name)`,
  // Whoever lists the contexts is to see all that have users.
  `INSERT INTO contexts (context_id) SELECT DISTINCT context_id FROM users ON CONFLICT DO NOTHING`,
];

/** The directory: contexts and users that two admins may change at once. */
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
