import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Marks the subscriptions whose tokens may not be in their normal form. SQL cannot convert them, so the API does that when it
 * starts. A change of a token rule must reset the mark.
 */
export class TokenSpelling1760000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE subscriptions ADD COLUMN is_token_normal boolean NOT NULL DEFAULT false');
    await runner.query('CREATE INDEX subscriptions_misspelled ON subscriptions (id) WHERE NOT is_token_normal');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE subscriptions DROP COLUMN is_token_normal');
  }
}
