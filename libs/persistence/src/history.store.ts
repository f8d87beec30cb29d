import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { dayOf, HistoryPartitions } from './history-partitions';
import { packedAttempts, packedWindows, type Pack } from './history-packs';
import type { HistoryAttempt, HistoryNotification, HistoryRows, HistoryWindow, UsageOfHour } from './history-rows';
import { storedTarget } from './history-targets';

/** For each column its type in Postgres, and a function that returns its value for a row. */
type Columns<Row> = Readonly<Record<string, readonly [type: string, of: (row: Row) => unknown]>>;

/** Writes the history, many rows at a time. */
@Injectable()
export class HistoryStore {
  /** The days whose partitions exist. */
  private readonly days = new Set<number>();

  constructor(
    private readonly database: DataSource,
    private readonly partitions: HistoryPartitions,
  ) {}

  /**
   * Writes all rows in one transaction that does not wait for the disk, so a crash of Postgres can lose the last second of the
   * history. Rejects when Postgres does not answer. If only the answer was lost, a repeated write changes nothing.
   */
  async write(rows: HistoryRows): Promise<void> {
    await this.prepare(rows);
    try {
      await this.insert(rows);
    } catch (error) {
      if (!isWithoutPartition(error)) throw error;
      // The partition was dropped after this process had created it.
      this.days.clear();
      await this.prepare(rows);
      await this.insert(rows);
    }
  }

  private async insert(rows: HistoryRows): Promise<void> {
    await this.database.transaction(async (manager) => {
      await manager.query('SET LOCAL synchronous_commit = off');
      if (!(await isNew(manager, rows))) return;
      await notifications(manager, rows.notifications);
      const [ofWindows, ofAttempts] = [packedWindows(rows.windows), packedAttempts(rows.attempts)];
      await windows(manager, ofWindows.rows);
      await attempts(manager, ofAttempts.rows);
      await insertPacks(manager, [...ofWindows.packs, ...ofAttempts.packs]);
      await usage(manager, rows.usage);
      if (rows.gap === undefined) return;
      const { since, until, records } = rows.gap;
      const gap = [new Date(since), new Date(until), records];
      await manager.query('INSERT INTO history_gaps (since, until, records) VALUES ($1, $2, $3)', gap);
    });
  }

  private async prepare(rows: HistoryRows): Promise<void> {
    for (const { at } of [rows.notifications, rows.windows, rows.attempts].flat()) {
      const day = dayOf(at);
      if (this.days.has(day)) continue;
      await this.partitions.create(day);
      this.days.add(day);
    }
  }
}

/**
 * Records the number of a write; returns false if the write was committed before. Waits for an open transaction of the writer.
 */
async function isNew(manager: EntityManager, { writer, number }: HistoryRows): Promise<boolean> {
  const changed = await manager.query<object[]>(
    `INSERT INTO history_writes AS known (writer, number, at) VALUES ($1, $2, now())
     ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at WHERE known.number < excluded.number
     RETURNING number`,
    [writer, number],
  );
  return changed.length > 0;
}

const ofAll: Columns<{ readonly at: number; readonly context: number; readonly user: number }> = {
  at: ['ms', ({ at }) => at],
  context_id: ['int4', ({ context }) => context],
  user_id: ['int4', ({ user }) => user],
};

const notifications = inserting<HistoryNotification>('history_notifications', {
  ...ofAll,
  place: ['int8', ({ place }) => place],
  notification: ['text', ({ notification }) => notification],
  topic: ['text', ({ topic }) => topic],
  window_key: ['text', ({ windowKey }) => windowKey],
});

const windows = inserting<HistoryWindow>('history_windows', {
  ...ofAll,
  due_at: ['ms', ({ dueAt }) => dueAt],
  place: ['int8', ({ place }) => place],
  count: ['int4', ({ count }) => count],
  window_key: ['text', ({ windowKey }) => windowKey],
  notification: ['text', ({ notification }) => notification],
  targets: ['text', ({ targets }) => JSON.stringify(targets.map(storedTarget))],
});

const attempts = inserting<HistoryAttempt>('history_attempts', {
  ...ofAll,
  next_at: ['ms', ({ nextAt }) => nextAt],
  duration_ms: ['int4', ({ durationMs }) => Math.round(durationMs)],
  attempt: ['int4', ({ attempt }) => attempt],
  notification: ['text', ({ notification }) => notification],
  delivery: ['text', ({ delivery }) => delivery],
  transport: ['text', ({ transport }) => transport],
  client: ['text', ({ client }) => client],
  outcome: ['text', ({ outcome }) => outcome],
  subscription: ['text', ({ subscription }) => subscription],
  reason: ['text', ({ reason }) => plain(reason)],
  provider_id: ['text', ({ providerId }) => plain(providerId)],
  decided_by: ['text', ({ decidedBy }) => decidedBy && JSON.stringify(decidedBy)],
});

const added = ['notifications', 'delivered', 'failed', 'suppressed'] as const;

/** Adds counts in the order of the key, so that processes that add to the same rows do not deadlock. */
const usage = inserting<UsageOfHour>(
  'usage_hours',
  {
    hour: ['ms', ({ hour }) => hour],
    context_id: ['int4', ({ context }) => context],
    topic: ['text', ({ topic }) => topic],
    client: ['text', ({ client }) => client],
    transport: ['text', ({ transport }) => transport],
    notifications: ['int8', ({ notifications: count }) => count],
    delivered: ['int8', ({ delivered }) => delivered],
    failed: ['int8', ({ failed }) => failed],
    suppressed: ['int8', ({ suppressed }) => suppressed],
  },
  `ORDER BY hour, context_id, topic, client, transport ON CONFLICT (hour, context_id, topic, client, transport)
   DO UPDATE SET ${added.map((name) => `${name} = usage_hours.${name} + excluded.${name}`).join()}`,
);

/** Inserts packs. Each value is a parameter of its own, because in an array the quotes of the records would be escaped. */
async function insertPacks(manager: EntityManager, packs: readonly Pack[]): Promise<void> {
  if (packs.length === 0) return;
  const places = packs.map((_, index) => {
    const [at, kind, contexts, owners, records] = [1, 2, 3, 4, 5].map((column) => `$${5 * index + column}`);
    return `(to_timestamp(${at}::int8 / 1000), ${kind}, ${contexts}::int4[], ${owners}::int4[], ${records})`;
  });
  await manager.query(
    `INSERT INTO history_packs (at, kind, contexts, owners, records) VALUES ${places.join()}`,
    packs.flatMap(({ at, kind, contexts, owners, records }) => [
      ...[at, kind, arrayLiteral(contexts), arrayLiteral(owners), records],
    ]),
  );
}

/** Returns a function that inserts rows with one statement. It has an array for each column for which any row has a value. */
function inserting<Row>(
  table: string,
  columns: Columns<Row>,
  ending = '',
): (manager: EntityManager, rows: readonly Row[]) => Promise<void> {
  return async (manager, rows) => {
    if (rows.length === 0) return;
    const used = Object.entries(columns)
      .map(([name, [type, of]]) => ({ name, type, values: rows.map(of) }))
      .filter(({ values }) => values.some((value) => value !== undefined));
    const names = used.map(({ name }) => name).join();
    const values = used.map(({ name, type }) => (type === 'ms' ? `to_timestamp(${name} / 1000::float8)` : name));
    const arrays = used.map(({ type }, at) => `$${at + 1}::${type === 'ms' ? 'int8' : type}[]`);
    await manager.query(
      `INSERT INTO ${table} (${names}) SELECT ${values.join()} FROM unnest(${arrays.join()}) AS given (${names}) ${ending}`,
      used.map((column) => arrayLiteral(column.values)),
    );
  };
}

/**
 * An array as Postgres reads it. JSON has the same syntax for numbers, null and quoted texts without control characters. The
 * driver's own conversion takes many times as long.
 */
function arrayLiteral(values: readonly unknown[]): string {
  return `{${JSON.stringify(values).slice(1, -1)}}`;
}

/** Whether a row has no partition. Postgres reports it as a violated check, and the history has no checks. */
function isWithoutPartition(error: unknown): boolean {
  return (error as { driverError?: { code?: string } }).driverError?.code === '23514';
}

/** Replaces control characters, NUL included, and halves of surrogate pairs by blanks. A provider can send any text. */
function plain(text: string | undefined): string | undefined {
  return text?.replace(/[\p{Cc}\p{Cs}]/gu, ' ');
}
