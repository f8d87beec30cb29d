import { randomUUID } from 'node:crypto';
import type {
  HistoryAttempt,
  HistoryGap,
  HistoryNotification,
  HistoryRows,
  HistoryWindow,
  UsageCounts,
} from '@pns/persistence';
import { WaitingUsage, type Counting } from './usage-counts';

/**
 * The maximum number of records of a process that wait to be written. Each takes some hundred bytes. A target of a window counts as
 * a record.
 */
export const maxBufferedRecords = 50_000;

/** A gap, which is a time in which records were lost, and the number of these records. */
type CountedGap = HistoryGap & { readonly records: number };

/** The records that wait to be written. If the buffer is full, further records are lost and counted in a gap. */
export class HistoryBuffer {
  private notifications: HistoryNotification[] = [];
  private windows: HistoryWindow[] = [];
  private attempts: HistoryAttempt[] = [];
  private gap: CountedGap | undefined;
  private readonly usage = new WaitingUsage();
  private readonly writer = randomUUID();
  private takes = 0;
  /** The number of targets of the waiting windows. */
  private targets = 0;
  /** The number of records that were taken and are not written yet, and of the targets of their windows. */
  private taken = { records: 0, targets: 0 };

  constructor(private readonly max = maxBufferedRecords) {}

  /** Whether nothing waits to be written. */
  get isEmpty(): boolean {
    return this.waiting === 0 && this.gap === undefined && this.usage.isEmpty;
  }

  private get waiting(): number {
    return this.notifications.length + this.windows.length + this.attempts.length;
  }

  /** Whether there is room for a record; if not, it is counted as lost. */
  hasRoom(): boolean {
    const { records, targets } = this.taken;
    if (this.waiting + this.targets + records + targets < this.max) return true;
    this.lose(1);
    return false;
  }

  addNotification(record: HistoryNotification): void {
    this.notifications.push(record);
  }

  addWindow(record: HistoryWindow): void {
    this.windows.push(record);
    this.targets += record.targets.length;
  }

  addAttempt(record: HistoryAttempt): void {
    this.attempts.push(record);
  }

  /** Counts a notification or a delivery; returns false if the count is lost. */
  count(what: keyof UsageCounts, of: Counting): boolean {
    if (this.usage.add(what, of)) return true;
    this.lose(1);
    return false;
  }

  /** Takes all waiting records. The caller must call `written` or `lost` afterwards. */
  take(): HistoryRows {
    const { notifications, windows, attempts, gap } = this;
    this.taken = { records: this.waiting, targets: this.targets };
    this.targets = 0;
    this.notifications = [];
    this.windows = [];
    this.attempts = [];
    this.gap = undefined;
    const write = { writer: this.writer, number: ++this.takes };
    return { ...write, notifications, windows, attempts, usage: this.usage.take(), gap };
  }

  /** Makes room after the taken records were written; returns their number. */
  written(): number {
    return this.release();
  }

  /** Counts the taken records, which cannot be written, as lost in a gap; returns their number. */
  lost(rows: HistoryRows): number {
    const taken = this.release();
    const times = [rows.notifications, rows.windows, rows.attempts].flat().map(({ at }) => at);
    const first = times.reduce((one, other) => Math.min(one, other), rows.gap?.since ?? Date.now());
    this.gap = {
      since: first,
      until: Date.now(),
      records: taken + (rows.gap?.records ?? 0) + (this.gap?.records ?? 0),
    };
    return taken;
  }

  /** Makes room for as many records as were taken; returns their number. */
  private release(): number {
    const { records } = this.taken;
    this.taken = { records: 0, targets: 0 };
    return records;
  }

  private lose(records: number): void {
    const now = Date.now();
    this.gap = { since: this.gap?.since ?? now, until: now, records: (this.gap?.records ?? 0) + records };
  }
}
