import type { MigrationInterface, QueryRunner } from 'typeorm';

// The tables have a partition for each day, which HistoryPartitions creates and drops. Each index begins with the owner or the
// notification, so that every lookup and the erasure of a user use an index.
const statements = [
  // place: the number of the notification in the order of acceptance of its shard. The notification is in the window with the
  // same key whose place is equal or the next higher one. window_key is empty if only failures are recorded.
  `CREATE TABLE history_notifications (
     at           timestamptz(3) NOT NULL,
     context_id   integer NOT NULL,
     user_id      integer NOT NULL,
     place        bigint NOT NULL,
     notification text COLLATE "C" NOT NULL,
     topic        text COLLATE "C" NOT NULL,
     window_key   text COLLATE "C" NOT NULL
   ) PARTITION BY RANGE (at)`,
  `CREATE INDEX history_notifications_owner ON history_notifications (context_id, user_id, at)`,
  `CREATE INDEX history_notifications_id ON history_notifications (notification)`,
  // notification: the one that was sent for the window. targets: JSON, a list of [delivery, transport, client, subscription].
  `CREATE TABLE history_windows (
     at           timestamptz(3) NOT NULL,
     due_at       timestamptz(3) NOT NULL,
     context_id   integer NOT NULL,
     user_id      integer NOT NULL,
     place        bigint NOT NULL,
     count        integer NOT NULL,
     window_key   text COLLATE "C" NOT NULL,
     notification text COLLATE "C" NOT NULL,
     targets      text NOT NULL
   ) PARTITION BY RANGE (at)`,
  `CREATE INDEX history_windows_owner ON history_windows (context_id, user_id, window_key, place)`,
  // attempt is 0 where no delivery was made. decided_by: JSON, the property that switched the transport off, and its scope.
  `CREATE TABLE history_attempts (
     at           timestamptz(3) NOT NULL,
     next_at      timestamptz(3),
     context_id   integer NOT NULL,
     user_id      integer NOT NULL,
     duration_ms  integer NOT NULL,
     attempt      integer NOT NULL,
     notification text COLLATE "C" NOT NULL,
     delivery     text COLLATE "C" NOT NULL,
     transport    text COLLATE "C" NOT NULL,
     client       text COLLATE "C" NOT NULL,
     outcome      text COLLATE "C" NOT NULL,
     subscription text,
     reason       text,
     provider_id  text,
     decided_by   text
   ) PARTITION BY RANGE (at)`,
  `CREATE INDEX history_attempts_owner ON history_attempts (context_id, user_id, notification)`,
  // Times in which a process could not write all of its records.
  `CREATE TABLE history_gaps (
     since   timestamptz(3) NOT NULL,
     until   timestamptz(3) NOT NULL,
     records bigint NOT NULL
   )`,
  `CREATE INDEX history_gaps_until ON history_gaps (until, since)`,
  // Counts of an hour. client and transport are empty in counts of notifications, because these have no single target.
  `CREATE TABLE usage_hours (
     hour          timestamptz(0) NOT NULL,
     context_id    integer NOT NULL,
     topic         text COLLATE "C" NOT NULL,
     client        text COLLATE "C" NOT NULL,
     transport     text COLLATE "C" NOT NULL,
     notifications bigint NOT NULL,
     delivered     bigint NOT NULL,
     failed        bigint NOT NULL,
     suppressed    bigint NOT NULL,
     PRIMARY KEY (hour, context_id, topic, client, transport)
   )`,
  `CREATE INDEX usage_hours_context ON usage_hours (context_id, hour)`,
];

/** The history of notifications and deliveries, and counts of them. */
export class History1760000000014 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TABLE history_notifications, history_windows, history_attempts, history_gaps, usage_hours',
    );
  }
}
