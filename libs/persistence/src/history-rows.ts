import type { TransportName } from '@pns/transport-contract';

/** All rows of the history belong to a user. Times are in ms since the epoch. */
interface Row {
  readonly at: number;
  readonly context: number;
  readonly user: number;
}

/** A notification; `at` is when it was accepted. */
export interface HistoryNotification extends Row {
  readonly notification: string;
  readonly topic: string;
  /** The key of its window without context, user and mode; empty if only failures are recorded. */
  readonly windowKey: string;
  /** Its number in the order in which its shard accepted notifications. */
  readonly place: number;
}

/**
 * A window that was dispatched at `at`. It contains the notifications with its key and a place that is not higher than its place.
 */
export interface HistoryWindow extends Row {
  readonly windowKey: string;
  readonly place: number;
  /** The notification that was sent. */
  readonly notification: string;
  readonly dueAt: number;
  readonly count: number;
  /** When its notification was accepted; absent in windows that were read. */
  readonly acceptedAt?: number | undefined;
  readonly targets: readonly HistoryTarget[];
}

/** The target of a delivery. */
export interface HistoryTarget {
  readonly delivery: string;
  readonly transport: TransportName;
  readonly client: string;
  /** Absent for sockets. */
  readonly subscription?: string | undefined;
}

/** An attempt, a deferral or a suppression. `attempt` is 0 and `delivery` is empty if the suppression came before a delivery. */
export interface HistoryAttempt extends Row, HistoryTarget {
  readonly notification: string;
  readonly attempt: number;
  readonly durationMs: number;
  readonly outcome: string;
  readonly reason?: string | undefined;
  /** The provider's id of the push. */
  readonly providerId?: string | undefined;
  /** When its window fell due; absent in attempts that were read. */
  readonly dueAt?: number | undefined;
  /** When the next attempt begins. */
  readonly nextAt?: number | undefined;
  /** The property that switched the transport off. */
  readonly decidedBy?: DecidedBy | undefined;
}

/** A property and the place where its value is set. */
export interface DecidedBy {
  readonly name: string;
  readonly origin: { readonly scope: string; readonly id?: string };
}

/** A time in which records were lost. */
export interface HistoryGap {
  readonly since: number;
  readonly until: number;
}

/** Counts of notifications and deliveries. A delivery counts when it has ended. */
export interface UsageCounts {
  readonly notifications: number;
  readonly delivered: number;
  readonly failed: number;
  readonly suppressed: number;
}

/** Counts to add to the stored counts of `hour` (its start in ms since the epoch, UTC). */
export interface UsageOfHour extends UsageCounts {
  readonly hour: number;
  readonly context: number;
  readonly topic: string;
  /** Empty in a count of notifications, because a notification has no single target. */
  readonly client: string;
  readonly transport: TransportName | '';
}

/** Rows to write together. */
export interface HistoryRows {
  /** The UUID of the buffer that collected the rows, and the number of its write. A repeated write has the same number. */
  readonly writer: string;
  readonly number: number;
  readonly notifications: readonly HistoryNotification[];
  readonly windows: readonly HistoryWindow[];
  readonly attempts: readonly HistoryAttempt[];
  readonly usage: readonly UsageOfHour[];
  /** A gap that has ended, and the number of records that were lost in it. */
  readonly gap?: (HistoryGap & { readonly records: number }) | undefined;
}
