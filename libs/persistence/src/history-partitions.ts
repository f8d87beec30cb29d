import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

const dayMs = 86_400_000;

/** A process that has written nothing for this time, in ms, counts as ended. */
const writerEndedMs = 7 * dayMs;

const tables = ['history_notifications', 'history_windows', 'history_attempts', 'history_packs'] as const;

/** The arbitrary key of an advisory lock that no other program takes in this database. */
const partitionLock = 7_266_002;

/** The partitions of the history: one for each table and day (UTC). */
@Injectable()
export class HistoryPartitions {
  constructor(private readonly database: DataSource) {}

  /**
   * Creates the missing partitions of the day that contains `time` (in ms since the epoch). Safe to repeat and to run
   * concurrently. Writers do not wait, because the lock of ATTACH PARTITION does not conflict with the locks of writers.
   */
  async create(time: number): Promise<void> {
    const from = dayOf(time);
    await this.database.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [partitionLock]);
      const existing = new Set(await this.names());
      for (const table of tables) {
        const name = nameOf(table, from);
        if (existing.has(name)) continue;
        await manager.query(`CREATE TABLE ${name} (LIKE ${table} INCLUDING STORAGE)`);
        await manager.query(
          `ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM ('${isoOf(from)}') TO ('${isoOf(from + dayMs)}')`,
        );
      }
    });
  }

  /**
   * Drops the partitions that contain only rows from before `time` (in ms since the epoch); returns their number. Also removes
   * gaps that ended before `time`, and the write numbers of ended processes.
   */
  async dropBefore(time: number): Promise<number> {
    const old = (await this.names()).filter((name) => endOf(name) <= time);
    for (const name of old) {
      await this.database.transaction(async (manager) => {
        // DROP TABLE may wait for a long query, and writers wait for DROP TABLE. So its wait is limited.
        await manager.query(`SET LOCAL lock_timeout = '5s'`);
        await manager.query(`DROP TABLE IF EXISTS ${name}`);
      });
    }
    await this.database.query('DELETE FROM history_gaps WHERE until < $1', [new Date(time)]);
    await this.database.query('DELETE FROM history_writes WHERE at < $1', [new Date(time - writerEndedMs)]);
    return old.length;
  }

  /** The names of the tables that are partitions. */
  async names(): Promise<string[]> {
    const rows = await this.database.query<{ name: string }[]>(
      `SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
       WHERE inhparent = ANY ($1::regclass[]) AND relname ~ '_[0-9]{8}$' ORDER BY relname`,
      [tables],
    );
    return rows.map(({ name }) => name);
  }
}

/** The start of the day (UTC) that contains `time`, in ms since the epoch. */
export function dayOf(time: number): number {
  return time - (time % dayMs);
}

function isoOf(time: number): string {
  return new Date(time).toISOString();
}

function nameOf(table: string, day: number): string {
  return `${table}_${isoOf(day).slice(0, 10).replaceAll('-', '')}`;
}

function endOf(name: string): number {
  const [, year, month, day] = /_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? [];
  return Date.parse(`${year}-${month}-${day}T00:00:00Z`) + dayMs;
}
