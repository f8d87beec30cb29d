import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { HistoryReads } from './history-reads';
import type { UsageCounts } from './history-rows';
import { keyedPageOf, keyIn, type Page, type PageRequest } from './page';

/** The fields by which usage can be counted. */
export const usageGroups = ['context', 'client', 'transport', 'topic'] as const;
export type UsageGroup = (typeof usageGroups)[number];

/** Selects counts. Times are in ms since the epoch; `from` is inclusive, `to` exclusive. */
export interface UsageFilter {
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

  /** Oldest first. Hours and days without counts are left out. */
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

  /** Removes counts of hours before `before` (in ms since the epoch). */
  async removeOlderThan(before: number): Promise<void> {
    await this.database.query('DELETE FROM usage_hours WHERE hour < $1', [new Date(before)]);
  }
}

/** The start in a cursor; before all rows without one. */
function startIn(text: string | number, from: number): number {
  return /^\d{1,15}$/.test(String(text)) ? Number(text) : from - 1000 * 86_400_000;
}

/** The statement for a page. Rows that count only deliveries or only notifications may be in different groups. */
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
