import { Injectable } from '@nestjs/common';
import type { Owner } from '@pns/subscriptions';
import { DataSource } from 'typeorm';

/** In order: subscriptions first, so that no new deliveries are made. Logins are deleted with users. The audit log is erased separately. */
const userTables = ['subscriptions', 'failed_deliveries', 'users', 'user_properties'];
const contextTables = [...userTables, 'contexts', 'context_properties'];

/** Erases the rows of a user or context from all tables. */
@Injectable()
export class ErasureStore {
  constructor(private readonly database: DataSource) {}

  /** Erases up to `limit` rows of the owner; returns their number, 0 when none is left. Safe to repeat and to run concurrently. */
  async erase({ context, user }: Owner, limit: number): Promise<number> {
    const isOwned = user === undefined ? 'context_id = $2' : 'context_id = $2 AND user_id = $3';
    for (const table of user === undefined ? contextTables : userTables) {
      const [, removed] = await this.database.query<[unknown, number]>(
        `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE ${isOwned} LIMIT $1))`,
        user === undefined ? [limit, context] : [limit, context, user],
      );
      if (removed > 0) return removed;
    }
    return 0;
  }
}
