import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Finds subscriptions by topic alone. Few patterns are in use, so that it is small and costs a registration next to nothing. */
export class SubscriptionTopics1760000000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX subscriptions_topics ON subscriptions USING gin (topics)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX subscriptions_topics');
  }
}
