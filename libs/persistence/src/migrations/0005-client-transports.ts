import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Client options set through the API, and the meta of subscriptions. Both can contain secrets, so both are encrypted. */
export class ClientTransports1760000000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE client_transports (
         client     varchar(64) COLLATE "C" NOT NULL,
         transport  varchar(16) NOT NULL,
         options    bytea NOT NULL,
         version    bigint NOT NULL DEFAULT nextval('config_version'),
         updated_at timestamptz(3) NOT NULL DEFAULT now(),
         PRIMARY KEY (client, transport)
       )`,
    );
    // Meta in plain text is deleted, because it must not stay, and a migration has no key to encrypt it.
    await runner.query('ALTER TABLE subscriptions DROP COLUMN meta, ADD COLUMN meta bytea');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE client_transports');
    await runner.query('ALTER TABLE subscriptions DROP COLUMN meta, ADD COLUMN meta json');
  }
}
