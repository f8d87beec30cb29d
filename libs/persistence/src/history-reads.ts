import { Injectable } from '@nestjs/common';
import { PnsError } from '@pns/runtime';
import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import { DataSource } from 'typeorm';

/** Maximum number of queries of the history that one process runs at once. The pool has twice as many connections. */
const maxReads = 4;

/** Maximum number of queries that wait for others to end. */
const maxWaitingReads = 100;

/**
 * Runs the queries that read the history. A filter that matches little in a long history takes seconds, so these queries must leave
 * connections for all other requests.
 */
@Injectable()
export class HistoryReads {
  private readonly slots = bulkhead(maxReads, maxWaitingReads);

  constructor(private readonly database: DataSource) {}

  /** @throws PnsError `OVERLOADED` if too many queries wait. */
  async query<Row>(statement: string, values: readonly unknown[]): Promise<Row[]> {
    try {
      return await this.slots.execute(() => this.database.query<Row[]>(statement, [...values]));
    } catch (error) {
      if (!isBulkheadRejectedError(error)) throw error;
      const sentence = 'Too many requests read the history; retry in a moment.';
      throw new PnsError('OVERLOADED', sentence, { cause: error });
    }
  }
}
