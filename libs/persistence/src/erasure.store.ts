import { Injectable } from '@nestjs/common';
import type { Owner } from '@pns/subscriptions';
import { DataSource } from 'typeorm';
import { eraseFromPacks } from './history-pack-erasure';
import { HistoryPartitions } from './history-partitions';

/**
 * The tables in the order of an erasure: subscriptions come first, so that no new deliveries are made. Logins are deleted with
 * users. The audit log is erased separately.
 */
const userTables = ['subscriptions', 'failed_deliveries', 'users', 'user_properties'];
const contextTables = [...userTables, 'contexts', 'context_properties', 'usage_hours'];

/** Whether a query failed because its partition was dropped meanwhile, after the end of the retention. */
function isDropped(error: unknown): boolean {
  return (error as { driverError?: { code?: string } }).driverError?.code === '42P01';
}

/** Erases the rows of a user or context from all tables. */
@Injectable()
export class ErasureStore {
  constructor(
    private readonly database: DataSource,
    private readonly history: HistoryPartitions,
  ) {}

  /** Erases up to `limit` rows of the owner; returns their number, 0 when none is left. Safe to repeat and to run concurrently. */
  async erase({ context, user }: Owner, limit: number): Promise<number> {
    const tables = user === undefined ? contextTables : userTables;
    // Partitions are erased one by one, because a ctid is unique only within a partition. They come last, because the other rows
    // can cause more history.
    for (const table of [...tables, ...(await this.history.names())]) {
      const removed = await this.eraseFrom(table, { context, user }, limit);
      if (removed > 0) return removed;
    }
    return 0;
  }

  private async eraseFrom(table: string, { context, user }: Owner, limit: number): Promise<number> {
    const isOwned = user === undefined ? 'context_id = $2' : 'context_id = $2 AND user_id = $3';
    try {
      if (table.startsWith('history_packs_')) return await eraseFromPacks(this.database, table, { context, user });
      const [, removed] = await this.database.query<[unknown, number]>(
        `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE ${isOwned} LIMIT $1))`,
        user === undefined ? [limit, context] : [limit, context, user],
      );
      return removed;
    } catch (error) {
      if (isDropped(error)) return 0;
      throw error;
    }
  }
}
