import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Deliveries that wait until their client's settings are mended, and what lists of failed deliveries are read by. */
export class HeldDeliveries1760000000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE failed_deliveries ADD COLUMN held boolean NOT NULL DEFAULT false');
    // Workers ask for these every few seconds, and as a rule there are none.
    await runner.query(
      'CREATE INDEX failed_deliveries_held ON failed_deliveries (transport, client, failed_at) WHERE held',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE failed_deliveries DROP COLUMN held');
  }
}
