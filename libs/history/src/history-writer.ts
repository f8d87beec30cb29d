import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import {
  HistoryStore,
  isDatabaseAway,
  type HistoryAttempt,
  type HistoryNotification,
  type HistoryRows,
  type HistoryWindow,
  type UsageCounts,
} from '@pns/persistence';
import { declareCounter, RecurringFault } from '@pns/runtime';
import { HistoryBuffer } from './history-buffer';
import type { Counting } from './usage-counts';

/** Time between a record and the write that contains it, in ms. */
const writeAfterMs = 500;

/** Time before a failed write is repeated, in ms. */
const retryAfterMs = 1000;

/** A stopping process waits for its last write at most this long, in ms. */
const lastWriteMs = 2000;

const records = declareCounter({
  name: 'pns_history_records_total',
  help: 'Records of the history: written to Postgres, or lost because the buffer was full or Postgres refused them.',
  labels: { result: ['written', 'lost'] },
});

/**
 * Collects the history of this process and writes it to Postgres, twice a second. No caller waits for a write. While Postgres
 * does not answer, a limited number of records waits. Further records are lost and counted, and the time is stored as a gap.
 */
@Injectable()
export class HistoryWriter implements OnApplicationShutdown {
  private readonly buffer = new HistoryBuffer();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;
  /** Rows whose write failed. They are written before all others. */
  private failed: HistoryRows | undefined;
  private readonly fault = new RecurringFault('history.not-written', 'history.written');

  constructor(private readonly store: HistoryStore) {}

  addNotification(record: HistoryNotification): void {
    if (this.hasRoom()) this.buffer.addNotification(record);
  }

  addWindow(record: HistoryWindow): void {
    if (this.hasRoom()) this.buffer.addWindow(record);
  }

  addAttempt(record: HistoryAttempt): void {
    if (this.hasRoom()) this.buffer.addAttempt(record);
  }

  count(what: keyof UsageCounts, of: Counting): void {
    this.schedule(writeAfterMs);
    if (!this.buffer.count(what, of)) records.inc({ result: 'lost' });
  }

  /** Writes the waiting records. Never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing ??= this.write().then((nextInMs) => {
      this.writing = undefined;
      if (nextInMs !== undefined) this.schedule(nextInMs);
    });
    await this.writing;
  }

  async onApplicationShutdown(): Promise<void> {
    const timer = new Promise<void>((resolve) => void setTimeout(resolve, lastWriteMs).unref());
    await Promise.race([this.flush().then(() => this.flush()), timer]);
    clearTimeout(this.timer);
  }

  private hasRoom(): boolean {
    this.schedule(writeAfterMs);
    if (this.buffer.hasRoom()) return true;
    records.inc({ result: 'lost' });
    return false;
  }

  private schedule(ms: number): void {
    if (this.timer === undefined && this.writing === undefined) {
      this.timer = setTimeout(() => void this.flush(), ms).unref();
    }
  }

  /** Writes waiting rows; returns the time until the next write, in ms, if one is needed. */
  private async write(): Promise<number | undefined> {
    if (this.failed === undefined && this.buffer.isEmpty) return undefined;
    const rows = this.failed ?? this.buffer.take();
    try {
      await this.store.write(rows);
      this.failed = undefined;
      records.inc({ result: 'written' }, this.buffer.written());
      this.fault.isOver();
      return this.buffer.isEmpty ? undefined : writeAfterMs;
    } catch (error) {
      this.fault.occurred(error);
      // Rows that Postgres refuses are not written again, because Postgres would refuse them again.
      this.failed = isDatabaseAway(error) ? rows : undefined;
      if (this.failed === undefined) records.inc({ result: 'lost' }, this.buffer.lost(rows));
      return retryAfterMs;
    }
  }
}
