import type { JoinStatus } from '@pns/aggregation';
import type { Notification } from '@pns/notifications';
import type { PnsErrorCode } from '@pns/runtime';
import { problemFor } from '../http/problem.filter';
import { RequestError } from '../http/request-error';
import type { ListedNotification, RefusedEntry } from './notification.schema';

/** A notification to store, and its place in the request, which the answer names. */
export interface Addressed {
  readonly notification: Notification;
  readonly index: number;
  readonly hasUsers: boolean;
}

/** The fault of a notification whose id was used for other content. */
export function idReused(id: string): { readonly code: PnsErrorCode; readonly error: string } {
  const error = `The id ${id} was already used for other content; a new notification needs a new id.`;
  return { code: 'ID_REUSED', error };
}

/** Collects the results of the entries of one request. */
export class IngestReport {
  private readonly listed: ListedNotification[] = [];
  private readonly refused: RefusedEntry[] = [];
  private accepted = 0;
  private reason: Error | undefined;

  /** Why no more notifications are stored: Redis failed or refused, the rate limit is used up, or the process is stopping. */
  get interruption(): Error | undefined {
    return this.reason;
  }

  record({ notification: { id, user }, index, hasUsers }: Addressed, status: JoinStatus): void {
    if (status === 'reused') return void this.refused.push({ index, ...(hasUsers ? { user } : {}), ...idReused(id) });
    if (status === 'accepted') this.accepted++;
    this.listed.push({ index, id, ...(hasUsers ? { user } : {}), status });
  }

  refuse(index: number, code: PnsErrorCode, error: string): void {
    this.refused.push({ index, code, error });
  }

  /** Records that `entries` were perhaps not stored, because of `error` or of the earlier interruption. */
  interrupt(entries: readonly Addressed[], error?: Error): void {
    this.reason ??= error;
    const { code, detail } = problemFor(this.reason);
    for (const index of new Set(entries.map((each) => each.index))) this.refuse(index, code, detail);
  }

  /** Records that the lines from `index` on were not read, because the process is stopping. */
  stop(index: number): void {
    const sentence = 'The process is stopping. This line and the lines after it were not read; send them again.';
    this.reason ??= new RequestError('STOPPING', sentence);
    this.refuse(index, 'STOPPING', sentence);
  }

  /**
   * The status and body of the answer.
   *
   * @throws the interruption, or RequestError `NOTIFICATIONS_INVALID`, when no notification was stored.
   */
  answer(): { readonly status: 202 | 207; readonly body: object; readonly headers?: RequestError['headers'] } {
    const body = { accepted: this.accepted, notifications: this.listed };
    if (this.refused.length === 0) return { status: 202, body };
    if (this.listed.length > 0) {
      const headers = this.reason instanceof RequestError ? this.reason.headers : {};
      return { status: 207, body: { ...body, errors: this.refused }, headers };
    }
    if (this.reason !== undefined) throw this.reason;
    throw new RequestError('NOTIFICATIONS_INVALID', 'No entry is valid; errors has the reason for each.', this.refused);
  }
}
