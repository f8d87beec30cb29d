import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An index for filters by topic. Few patterns are in use, so it is small and adds little time to a registration. */
export class SubscriptionTopics1760000000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX subscriptions_topics ON subscriptions USING gin (topics)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX subscriptions_topics');
  }
}
