import type { TransportName } from '@pns/transport-contract';
import type { DecidedBy, HistoryAttempt, HistoryNotification, HistoryWindow } from './history-rows';
import { targetOf, type StoredTarget } from './history-targets';

/** A row of `history_notifications`. */
export interface NotificationRow {
  readonly at: Date;
  readonly context_id: number;
  readonly user_id: number;
  readonly place: string;
  readonly notification: string;
  readonly topic: string;
  readonly window_key: string;
}

export function toNotification(row: NotificationRow): HistoryNotification {
  return {
    at: row.at.getTime(),
    context: row.context_id,
    user: row.user_id,
    place: Number(row.place),
    notification: row.notification,
    topic: row.topic,
    windowKey: row.window_key,
  };
}

/** A row of `history_windows`, and the index of the notification that it was found for. */
export interface WindowRow {
  readonly index: number;
  readonly place: string;
  readonly at: Date;
  readonly due_at: Date;
  readonly context_id: number;
  readonly user_id: number;
  readonly count: number;
  readonly notification: string;
  readonly targets: string;
}

export function toWindow(row: WindowRow): Omit<HistoryWindow, 'windowKey' | 'place'> {
  return {
    at: row.at.getTime(),
    dueAt: row.due_at.getTime(),
    context: row.context_id,
    user: row.user_id,
    count: row.count,
    notification: row.notification,
    targets: (JSON.parse(row.targets) as StoredTarget[]).map(targetOf),
  };
}

/** A row of `history_attempts`. */
export interface AttemptRow {
  readonly at: Date;
  readonly next_at: Date | null;
  readonly context_id: number;
  readonly user_id: number;
  readonly duration_ms: number;
  readonly attempt: number;
  readonly notification: string;
  readonly delivery: string;
  readonly transport: TransportName;
  readonly client: string;
  readonly outcome: string;
  readonly subscription: string | null;
  readonly reason: string | null;
  readonly provider_id: string | null;
  readonly decided_by: string | null;
}

export function toAttempt(row: AttemptRow): HistoryAttempt {
  return {
    at: row.at.getTime(),
    context: row.context_id,
    user: row.user_id,
    durationMs: row.duration_ms,
    attempt: row.attempt,
    notification: row.notification,
    delivery: row.delivery,
    transport: row.transport,
    client: row.client,
    outcome: row.outcome,
    ...(row.next_at === null ? {} : { nextAt: row.next_at.getTime() }),
    ...(row.subscription === null ? {} : { subscription: row.subscription }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.provider_id === null ? {} : { providerId: row.provider_id }),
    ...(row.decided_by === null ? {} : { decidedBy: JSON.parse(row.decided_by) as DecidedBy }),
  };
}
