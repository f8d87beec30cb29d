import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Held deliveries, which wait until the settings of their client are corrected, and an index for lists of failed deliveries. */
export class HeldDeliveries1760000000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE failed_deliveries ADD COLUMN held boolean NOT NULL DEFAULT false');
    // Workers query held deliveries every second. Usually there are none, so this partial index is small and fast.
    await runner.query(
      'CREATE INDEX failed_deliveries_held ON failed_deliveries (transport, client, failed_at) WHERE held',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE failed_deliveries DROP COLUMN held');
  }
}
