import type { MigrationInterface, QueryRunner } from 'typeorm';

const version = `version bigint NOT NULL DEFAULT nextval('config_version')`;
const property = `
     name    varchar(400) COLLATE "C" NOT NULL,
     value   text NOT NULL,
     final   varchar(16) CHECK (final IN ('user', 'context', 'contextSet', 'server')),
     ${version}`;

const statements = [
  // All tables share one sequence, so that a value that is removed and set again never gets an earlier version.
  `CREATE SEQUENCE config_version`,
  `CREATE TABLE contexts (
     context_id integer PRIMARY KEY CHECK (context_id > 0),
     name       text,
     tags       text[] NOT NULL DEFAULT '{}'
   )`,
  `ALTER TABLE users ADD COLUMN tags text[] NOT NULL DEFAULT '{}'`,
  // This index serves the check whether any user of a context has tags.
  `CREATE INDEX users_tagged ON users (context_id) WHERE tags <> '{}'`,
  `CREATE TABLE context_sets (
     name      varchar(64) COLLATE "C" PRIMARY KEY,
     rank      integer NOT NULL CHECK (rank BETWEEN 0 AND 999999),
     with_tags text NOT NULL,
     ${version}
   )`,
  `CREATE TABLE server_properties (${property},
     PRIMARY KEY (name)
   )`,
  `CREATE TABLE context_set_properties (
     context_set varchar(64) COLLATE "C" NOT NULL REFERENCES context_sets ON DELETE CASCADE,${property},
     PRIMARY KEY (context_set, name)
   )`,
  `CREATE TABLE context_properties (
     context_id integer NOT NULL CHECK (context_id > 0),${property},
     PRIMARY KEY (context_id, name)
   )`,
  `CREATE TABLE user_properties (
     context_id integer NOT NULL CHECK (context_id > 0),
     user_id    integer NOT NULL CHECK (user_id > 0),${property},
     PRIMARY KEY (context_id, user_id, name)
   )`,
];

const tables = 'user_properties, context_properties, context_set_properties, server_properties, context_sets, contexts';

/** The config cascade: properties of each scope, context sets, and the tags that decide which of them match. */
export class Cascade1760000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE ${tables}`);
    await runner.query('ALTER TABLE users DROP COLUMN tags');
    await runner.query('DROP SEQUENCE config_version');
  }
}
