import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { HistoryReads } from './history-reads';
import type { UsageCounts } from './history-rows';
import { keyedPageOf, keyIn, type Page, type PageRequest } from './page';

/** The fields by which usage can be counted. */
export const usageGroups = ['context', 'client', 'transport', 'topic'] as const;
/** One of `usageGroups`. */
export type UsageGroup = (typeof usageGroups)[number];

/** Selects counts. Times are in ms since the epoch; `from` is inclusive, `to` exclusive. */
interface UsageFilter {
  readonly from: number;
  readonly to: number;
  readonly context?: number | undefined;
  readonly by?: UsageGroup | undefined;
  readonly per: 'hour' | 'day';
}

/** Counts of an hour or day that begins at `start` (in ms since the epoch, UTC). `of` is the context, client, transport or topic. */
export interface UsageRow extends UsageCounts {
  readonly start: number;
  readonly of?: string;
}

/** The maximum number of counts of one context in one hour, because topics and clients can have any name. */
const maxCountsPerHour = 1000;

/** The topic and client of counts that were added up because there were too many. No topic or client has this name. */
export const otherName = '*';

const columns: Readonly<Record<UsageGroup, string>> = {
  context: 'context_id::text COLLATE "C"',
  client: 'client',
  transport: 'transport',
  topic: 'topic',
};

/** The counts of notifications and deliveries by hour, in Postgres. `HistoryStore` writes them. */
@Injectable()
export class UsageStore {
  constructor(
    private readonly database: DataSource,
    private readonly reads: HistoryReads,
  ) {}

  /** Returns counts, oldest first. Hours and days without counts are left out. */
  async list(filter: UsageFilter, { limit, cursor }: PageRequest): Promise<Page<UsageRow>> {
    const { from, to, context, by, per } = filter;
    const [start = '', after = ''] = keyIn(cursor, ['string', 'string']) ?? [];
    const rows = await this.reads.query<Row>(usageStatement(by), [
      new Date(from),
      new Date(to),
      context ?? null,
      per,
      new Date(startIn(start, from)),
      after,
      limit + 1,
    ]);
    return keyedPageOf(rows.map(toUsage), limit, ({ start: at, of = '' }) => [String(at), of]);
  }

  /**
   * Adds up the smallest counts of each context with more than `maxCountsPerHour` counts in an hour under `otherName`. Covers the
   * hours from `from` to `to` (in ms since the epoch, exclusive), which must have ended. Safe to repeat and to run concurrently.
   */
  async fold(from: number, to: number): Promise<void> {
    await this.database.query(foldStatement, [new Date(from), new Date(to), maxCountsPerHour, otherName]);
  }

  /** Removes counts of hours before `before` (in ms since the epoch). */
  async removeOlderThan(before: number): Promise<void> {
    await this.database.query('DELETE FROM usage_hours WHERE hour < $1', [new Date(before)]);
  }
}

const counts = ['notifications', 'delivered', 'failed', 'suppressed'] as const;

const foldStatement = `WITH full_hours AS (
    SELECT hour, context_id FROM usage_hours WHERE hour >= $1 AND hour < $2 AND topic <> $4
    GROUP BY hour, context_id HAVING count(*) > $3
  ), ranked AS (
    SELECT u.ctid AS place, row_number() OVER (PARTITION BY hour, context_id ORDER BY ${counts.join(' + ')} DESC) AS rank
    FROM usage_hours u JOIN full_hours USING (hour, context_id) WHERE u.topic <> $4
  ), removed AS (
    DELETE FROM usage_hours WHERE ctid = ANY (ARRAY(SELECT place FROM ranked WHERE rank > $3)) RETURNING *
  )
  INSERT INTO usage_hours (hour, context_id, topic, client, transport, ${counts.join()})
  SELECT hour, context_id, $4, CASE client WHEN '' THEN '' ELSE $4 END AS target, transport, ${counts.map((name) => `sum(${name})`).join()}
  FROM removed GROUP BY hour, context_id, target, transport
  ON CONFLICT (hour, context_id, topic, client, transport)
  DO UPDATE SET ${counts.map((name) => `${name} = usage_hours.${name} + excluded.${name}`).join()}`;

/** The `start` of the row to which a cursor points, in ms since the epoch; without a cursor, a time before all rows. */
function startIn(text: string | number, from: number): number {
  return /^\d{1,15}$/.test(String(text)) ? Number(text) : from - 1000 * 86_400_000;
}

/** The statement for a page. Notifications have no client and no transport, so groups by these count only deliveries. */
export function usageStatement(by: UsageGroup | undefined): string {
  const group = by === undefined ? `''` : columns[by];
  const isOfTargets = by === 'client' || by === 'transport';
  return `SELECT start, of, notifications, delivered, failed, suppressed FROM (
      SELECT date_trunc($4, hour, 'UTC') AS start, ${group} AS of, sum(notifications) AS notifications,
             sum(delivered) AS delivered, sum(failed) AS failed, sum(suppressed) AS suppressed
      FROM usage_hours
      WHERE hour >= $1 AND hour < $2 AND ($3::int IS NULL OR context_id = $3)
        ${isOfTargets ? `AND client <> ''` : ''}
      GROUP BY 1, 2
    ) counted
    WHERE (start, of) > ($5, $6) ORDER BY start, of LIMIT $7`;
}

interface Row {
  readonly start: Date;
  readonly of: string;
  readonly notifications: string;
  readonly delivered: string;
  readonly failed: string;
  readonly suppressed: string;
}

function toUsage(row: Row): UsageRow {
  return {
    start: row.start.getTime(),
    ...(row.of === '' ? {} : { of: row.of }),
    notifications: Number(row.notifications),
    delivered: Number(row.delivered),
    failed: Number(row.failed),
    suppressed: Number(row.suppressed),
  };
}
