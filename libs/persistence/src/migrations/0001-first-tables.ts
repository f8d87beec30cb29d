import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements = [
  `CREATE TABLE users (
     context_id    integer NOT NULL CHECK (context_id > 0),
     user_id       integer NOT NULL CHECK (user_id > 0),
     primary_email text,
     PRIMARY KEY (context_id, user_id)
   )`,
  // Logins have a separate table, because a login is unique among all contexts.
  `CREATE TABLE user_logins (
     login      text PRIMARY KEY,
     context_id integer NOT NULL,
     user_id    integer NOT NULL,
     FOREIGN KEY (context_id, user_id) REFERENCES users ON DELETE CASCADE
   )`,
  `CREATE INDEX user_logins_user ON user_logins (context_id, user_id)`,
  // Times have the precision of a cursor, which is a millisecond. Tokens are found by their SHA-256, because a token may
  // be longer than an index entry. meta is json, not jsonb, which refuses the valid string "\\u0000".
  `CREATE TABLE subscriptions (
     id         uuid PRIMARY KEY,
     context_id integer NOT NULL CHECK (context_id > 0),
     user_id    integer NOT NULL CHECK (user_id > 0),
     client     varchar(64) NOT NULL,
     transport  varchar(16) NOT NULL,
     token      text NOT NULL CHECK (octet_length(token) <= 4096),
     token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32),
     topics     text[] NOT NULL,
     expires_at timestamptz(3),
     meta       json,
     shared     boolean NOT NULL DEFAULT false,
     created_at timestamptz(3) NOT NULL DEFAULT now(),
     updated_at timestamptz(3) NOT NULL DEFAULT now()
   )`,
  // Every batch finds the subscriptions of many users by the first two columns.
  `CREATE UNIQUE INDEX subscriptions_holder ON subscriptions (context_id, user_id, transport, client, token_hash)`,
  `CREATE UNIQUE INDEX subscriptions_sole_holder ON subscriptions (token_hash, transport, client) WHERE NOT shared`,
  `CREATE INDEX subscriptions_token ON subscriptions (token_hash, transport, client)`,
  `CREATE INDEX subscriptions_creation ON subscriptions (created_at, id)`,
  `CREATE INDEX subscriptions_expiry ON subscriptions (expires_at) WHERE expires_at IS NOT NULL`,
  `CREATE TABLE api_keys (
     id           uuid PRIMARY KEY,
     name         varchar(100) NOT NULL,
     scopes       text[] NOT NULL,
     hash         bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
     created_at   timestamptz(3) NOT NULL DEFAULT now(),
     last_used_at timestamptz(3)
   )`,
  `CREATE INDEX api_keys_creation ON api_keys (created_at, id)`,
  // delivery is json for the same reason as meta; the other columns are for filters.
  `CREATE TABLE failed_deliveries (
     delivery_id     text PRIMARY KEY,
     notification_id text NOT NULL,
     context_id      integer NOT NULL,
     user_id         integer NOT NULL,
     client          text NOT NULL,
     transport       varchar(16) NOT NULL,
     topic           text NOT NULL,
     subscription_id uuid,
     outcome         varchar(16) NOT NULL,
     reason          text NOT NULL,
     attempts        integer NOT NULL,
     delivery        json NOT NULL,
     failed_at       timestamptz(3) NOT NULL
   )`,
  `CREATE INDEX failed_deliveries_time ON failed_deliveries (failed_at, delivery_id)`,
  `CREATE INDEX failed_deliveries_user ON failed_deliveries (context_id, user_id)`,
];

/** Subscriptions, the users of the directory, API keys, and failed deliveries. */
export class FirstTables1760000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE failed_deliveries, api_keys, subscriptions, user_logins, users');
  }
}
