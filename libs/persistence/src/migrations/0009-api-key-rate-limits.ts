import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How many requests and notifications an API key may send. */
export class ApiKeyRateLimits1760000000009 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE api_keys
         ADD COLUMN rate_limit_per_second double precision CHECK (rate_limit_per_second > 0),
         ADD COLUMN rate_limit_burst integer CHECK (rate_limit_burst > 0),
         ADD CHECK ((rate_limit_per_second IS NULL) = (rate_limit_burst IS NULL))`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE api_keys DROP COLUMN rate_limit_per_second, DROP COLUMN rate_limit_burst');
  }
}
