import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements = [
  // NULL means all contexts. An empty list would mean none, so it is not allowed.
  `ALTER TABLE api_keys
     ADD COLUMN contexts   integer[] CHECK (cardinality(contexts) > 0),
     ADD COLUMN expires_at timestamptz(3)`,
  // before and after are json, not jsonb, which refuses the valid string "\\u0000". A row without status belongs to a write
  // without an answer. mentions: the other contexts that before or after names.
  `CREATE TABLE audit_entries (
     id         uuid PRIMARY KEY,
     at         timestamptz(3) NOT NULL DEFAULT now(),
     key_id     varchar(36) NOT NULL,
     key_name   varchar(100) NOT NULL,
     action     text NOT NULL,
     resource   text COLLATE "C" NOT NULL,
     context_id integer,
     user_id    integer,
     mentions   integer[] NOT NULL DEFAULT '{}',
     request_id varchar(100) NOT NULL,
     status     integer,
     before     json,
     after      json,
     erased     boolean NOT NULL DEFAULT false
   )`,
  `CREATE INDEX audit_entries_time ON audit_entries (at, id)`,
  `CREATE INDEX audit_entries_subject ON audit_entries (context_id, user_id, at) WHERE context_id IS NOT NULL`,
  `CREATE INDEX audit_entries_mentions ON audit_entries USING gin (mentions) WHERE mentions <> '{}'`,
  `CREATE INDEX audit_entries_key ON audit_entries (key_id, at)`,
  `CREATE INDEX audit_entries_resource ON audit_entries (resource text_pattern_ops, at)`,
];

/** API keys with restricted contexts or an expiry, and the audit log. */
export class RestrictedKeysAndAudit1760000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE audit_entries');
    await runner.query('ALTER TABLE api_keys DROP COLUMN contexts, DROP COLUMN expires_at');
  }
}
