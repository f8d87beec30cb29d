import { Injectable } from '@nestjs/common';
import type { Owner } from '@pns/subscriptions';
import { DataSource } from 'typeorm';

/** What leads others to a user goes first. Logins go with their users. The audit log has rules of its own. */
const userTables = ['subscriptions', 'failed_deliveries', 'users', 'user_properties'];
const contextTables = [...userTables, 'contexts', 'context_properties'];

/** Everything in Postgres that belongs to a user or a context, whatever it is for. */
@Injectable()
export class ErasureStore {
  constructor(private readonly database: DataSource) {}

  /** Erases up to `limit` rows of the owner's, and answers how many; 0 when nothing is left. Safe to repeat and to race. */
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
