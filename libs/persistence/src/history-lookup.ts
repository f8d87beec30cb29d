import { Injectable } from '@nestjs/common';
import { distinctId, type IdentifiedNotification } from '@pns/transport-contract';
import { HistoryReads } from './history-reads';
import { attemptsInPacks, windowsInPacks } from './history-pack-lookup';
import { slotMs } from './history-packs';
import {
  toAttempt,
  toNotification,
  toWindow,
  type AttemptRow,
  type NotificationRow,
  type WindowRow,
} from './history-read-rows';
import type { HistoryAttempt, HistoryGap, HistoryNotification, HistoryWindow } from './history-rows';
import { cursorAfter, pageOf, positionOf, type Page, type PageRequest } from './page';

/** Selects notifications of a user. Times are in ms since the epoch; `since` is inclusive, `until` exclusive. */
export interface HistoryFilter {
  readonly context: number;
  readonly user: number;
  readonly topic?: string | undefined;
  /** Only notifications with an attempt for this client. */
  readonly client?: string | undefined;
  /** Only notifications with an attempt with this outcome; if `client` is set, the same attempt matches both. */
  readonly outcome?: string | undefined;
  readonly since: number;
  readonly until?: number | undefined;
}

/** The contexts, context or user in which a notification is searched. */
export interface HistoryReach {
  readonly contexts?: readonly number[] | undefined;
  readonly context?: number | undefined;
  readonly user?: number | undefined;
}

/** A notification in the history. */
export type FoundNotification = HistoryNotification;

/** The window of a notification; `notification` is the one that was sent for the whole window. */
export type FoundWindow = Omit<HistoryWindow, 'windowKey' | 'place'>;

/** Maximum number of notifications with the same id in an answer. A producer may address many users with one id. */
const maxSameId = 100;

/** The number of notifications whose attempts are read and compared with a filter at once. */
const notificationsPerStep = 100;

/** Maximum number of notifications that are compared with a filter for one page. */
const maxSeen = 1000;

/** Maximum number of attempts of a notification in an answer. */
const maxAttemptsShown = 1000;

/** The clock of another process may be slow by this much, in ms. So the search for rows begins earlier by this time. */
const clockDifferenceMs = 60_000;

/** The syntax of a `distinctId`. The ids of producers may contain any printable ASCII characters. */
const anyId = /^[\x21-\x7e]{1,255}(?: [\w-]{1,64})?$/;

const notificationColumns = 'n.at, n.context_id, n.user_id, n.place, n.notification, n.topic, n.window_key';

/** Reads the history. Every query finds its rows by an index, in the partitions of the searched times only. */
@Injectable()
export class HistoryLookup {
  constructor(private readonly reads: HistoryReads) {}

  /** The notifications with this id, and this producer if it is given, that were accepted at `since` or later, newest first. */
  async named(
    id: IdentifiedNotification,
    since: number,
    { contexts, context, user }: HistoryReach,
  ): Promise<FoundNotification[]> {
    const rows = await this.reads.query<NotificationRow>(namedStatement, [
      distinctId(id),
      new Date(since),
      contexts ?? null,
      context ?? null,
      user ?? null,
    ]);
    return rows.map(toNotification);
  }

  /** Lists notifications, newest first. A page may be short if few notifications match the client or the outcome. */
  async list(filter: HistoryFilter, page: PageRequest): Promise<Page<FoundNotification>> {
    const { client, outcome, ...others } = filter;
    // Packs contain only deliveries that arrived at the first attempt. So for other outcomes, the rows are sufficient.
    const isInPacks = outcome === undefined ? client !== undefined : outcome === 'delivered';
    if (!isInPacks) return this.listRows(filter, page);
    const found: FoundNotification[] = [];
    let { cursor } = page;
    for (let seen = 0; seen < maxSeen; seen += notificationsPerStep) {
      const { items, nextCursor } = await this.listRows(others, { limit: notificationsPerStep, cursor });
      for (const notification of await this.withAttempt(items, client, outcome)) {
        const last = found.at(-1);
        if (found.length === page.limit && last !== undefined)
          return { items: found, nextCursor: this.cursorAfter(last) };
        found.push(notification);
      }
      if (nextCursor === undefined) return { items: found };
      cursor = nextCursor;
    }
    return { items: found, ...(cursor === undefined ? {} : { nextCursor: cursor }) };
  }

  /** The notifications that have an attempt for this client and with this outcome. */
  private async withAttempt(
    notifications: readonly FoundNotification[],
    client: string | undefined,
    outcome: string | undefined,
  ): Promise<FoundNotification[]> {
    const windows = await this.windowsOf(notifications);
    const attempts = await this.attemptsOf(
      notifications.map((notification, index) => ({ ...notification, dueAt: windows[index]?.dueAt })),
    );
    const isMeant = (attempt: HistoryAttempt) =>
      (client === undefined || attempt.client === client) && (outcome === undefined || attempt.outcome === outcome);
    const ids = new Set(attempts.filter(isMeant).map(({ notification }) => notification));
    return notifications.filter(({ notification }) => ids.has(notification));
  }

  private async listRows(filter: HistoryFilter, { limit, cursor }: PageRequest): Promise<Page<FoundNotification>> {
    const { context, user, topic, client, outcome, since, until } = filter;
    const position = cursor === undefined ? undefined : positionOf(cursor, anyId);
    const rows = await this.reads.query<NotificationRow>(listStatement({ topic, client, outcome }), [
      context,
      user,
      new Date(since),
      new Date(Math.min(until ?? latest, latest)),
      new Date(position?.createdAt ?? latest),
      position?.id ?? '',
      limit + 1,
      ...[topic, client, outcome].filter((given) => given !== undefined),
    ]);
    const found = rows.map(toNotification);
    const { items, ...more } = pageOf(
      found.map((notification) => ({ notification, createdAt: notification.at, id: notification.notification })),
      limit,
    );
    return { items: items.map(({ notification }) => notification), ...more };
  }

  /** The cursor of the page of `list` that begins after this notification. */
  cursorAfter({ at, notification }: FoundNotification): string {
    return cursorAfter({ createdAt: at, id: notification });
  }

  /** The window of each notification, in the same order; undefined for one whose window was not dispatched. */
  async windowsOf(notifications: readonly FoundNotification[]): Promise<(FoundWindow | undefined)[]> {
    const joined = notifications.map((notification, index) => ({ ...notification, index }));
    const wanted = joined.filter(({ windowKey }) => windowKey !== '');
    const windows = new Array<FoundWindow | undefined>(notifications.length);
    if (wanted.length === 0) return windows;
    const [rows, packed] = await Promise.all([
      this.reads.query<WindowRow>(windowsStatement, [
        wanted.map(({ index }) => index),
        wanted.map(({ context }) => context),
        wanted.map(({ user }) => user),
        wanted.map(({ windowKey }) => windowKey),
        wanted.map(({ place }) => place),
        new Date(Math.min(...wanted.map(({ at }) => at)) - clockDifferenceMs),
      ]),
      windowsInPacks(
        this.reads,
        wanted.map(({ context, user, at }) => ({ context, user, from: at, to: at })),
      ),
    ]);
    const places = new Array<number | undefined>(notifications.length);
    for (const row of rows) {
      windows[row.index] = toWindow(row);
      places[row.index] = Number(row.place);
    }
    preferPacked(packed, wanted, windows, places);
    return windows;
  }

  /** The attempts for these notifications, oldest first, up to 1,000 each. `dueAt`: when the notification's window was due. */
  async attemptsOf(
    notifications: readonly (Pick<FoundNotification, 'context' | 'user' | 'notification' | 'at'> & {
      readonly dueAt?: number | undefined;
    })[],
  ): Promise<HistoryAttempt[]> {
    if (notifications.length === 0) return [];
    const [rows, packed] = await Promise.all([
      this.reads.query<AttemptRow>(attemptsStatement, [
        notifications.map(({ context }) => context),
        notifications.map(({ user }) => user),
        notifications.map(({ notification }) => notification),
        new Date(Math.min(...notifications.map(({ at }) => at)) - clockDifferenceMs),
      ]),
      attemptsInPacks(
        this.reads,
        notifications.map(({ context, user, at, dueAt }) => ({
          ...{ context, user, from: dueAt ?? at, to: dueAt ?? at + slotMs },
        })),
      ),
    ]);
    const ids = new Set(notifications.map(nameOf));
    const attempts = [...rows.map(toAttempt), ...packed.filter((attempt) => ids.has(nameOf(attempt)))];
    return attempts.sort((one, other) => one.at - other.at);
  }

  /** The gaps that overlap with the time from `since` to `until`, oldest first. */
  async gaps(since: number, until: number): Promise<HistoryGap[]> {
    const rows = await this.reads.query<{ since: Date; until: Date }>(
      'SELECT since, until FROM history_gaps WHERE until >= $1 AND since <= $2 ORDER BY since LIMIT 100',
      [new Date(since), new Date(until)],
    );
    return rows.map(({ since: from, until: to }) => ({ since: from.getTime(), until: to.getTime() }));
  }
}

/** Later than all notifications, in ms since the epoch. */
const latest = Date.UTC(9999, 0);

/**
 * Finds all notifications with an id. The id of a CloudEvent is stored with a space and its producer, so the index has it between
 * the id alone and the id with `!`. No other id is there, because no character of an id is lower than `!`.
 *
 * A notification has several rows if several of its failures were recorded, or if the history property has changed since. If one
 * row has a window, this row is used.
 */
export const namedStatement = `SELECT DISTINCT ON (n.at, n.context_id, n.user_id, n.notification) ${notificationColumns} FROM history_notifications n
  WHERE n.notification >= $1 AND n.notification < $1 || '!' AND n.at >= $2
    AND ($3::int[] IS NULL OR n.context_id = ANY ($3)) AND ($4::int IS NULL OR n.context_id = $4) AND ($5::int IS NULL OR n.user_id = $5)
  ORDER BY n.at DESC, n.context_id, n.user_id, n.notification, n.window_key DESC LIMIT ${maxSameId}`;

/** The statement for a page. Conditions that are not given are left out, so that each statement has a plan of its own. */
export function listStatement(given: Partial<Record<'topic' | 'client' | 'outcome', unknown>>): string {
  const conditions: string[] = [];
  let parameter = 8;
  if (given.topic !== undefined) conditions.push(`n.topic = $${parameter++}`);
  const ofAttempts: string[] = [];
  if (given.client !== undefined) ofAttempts.push(`a.client = $${parameter++}`);
  if (given.outcome !== undefined) ofAttempts.push(`a.outcome = $${parameter++}`);
  if (ofAttempts.length > 0) {
    conditions.push(`EXISTS (SELECT 1 FROM history_attempts a WHERE a.context_id = n.context_id AND a.user_id = n.user_id
      AND a.notification = n.notification AND a.at >= $3 AND ${ofAttempts.join(' AND ')})`);
  }
  return `SELECT DISTINCT ON (n.at, n.notification) ${notificationColumns} FROM history_notifications n
    WHERE n.context_id = $1 AND n.user_id = $2 AND n.at >= $3 AND n.at < $4 AND n.at <= $5 AND (n.at, n.notification) < ($5, $6)
      ${conditions.map((condition) => `AND ${condition}`).join(' ')}
    ORDER BY n.at DESC, n.notification DESC, n.window_key DESC LIMIT $7`;
}

/** The statement for the windows of some notifications. */
export const windowsStatement = `SELECT n.index, w.at, w.due_at, w.context_id, w.user_id, w.place, w.count, w.notification, w.targets
  FROM unnest($1::int[], $2::int[], $3::int[], $4::text[], $5::bigint[]) AS n (index, context_id, user_id, window_key, place)
  CROSS JOIN LATERAL (
    SELECT * FROM history_windows w
    WHERE w.context_id = n.context_id AND w.user_id = n.user_id AND w.window_key = n.window_key AND w.place >= n.place
      AND w.at >= $6
    ORDER BY w.place LIMIT 1
  ) w`;

/** The statement for the attempts of some notifications. */
export const attemptsStatement = `SELECT a.* FROM (SELECT DISTINCT * FROM unnest($1::int[], $2::int[], $3::text[])) AS n (context_id, user_id, notification)
  CROSS JOIN LATERAL (
    SELECT * FROM history_attempts a
    WHERE a.context_id = n.context_id AND a.user_id = n.user_id AND a.notification = n.notification AND a.at >= $4
    ORDER BY a.at LIMIT ${maxAttemptsShown}
  ) a`;

function nameOf({ context, user, notification }: Pick<FoundNotification, 'context' | 'user' | 'notification'>): string {
  return `${context} ${user} ${notification}`;
}

/** Replaces windows from rows by packed windows with a lower place. A packed window belongs to one notification, the sent one. */
function preferPacked(
  packed: readonly HistoryWindow[],
  wanted: readonly (FoundNotification & { readonly index: number })[],
  windows: (FoundWindow | undefined)[],
  places: (number | undefined)[],
): void {
  const byName = new Map<string, typeof wanted>();
  for (const notification of wanted) {
    const name = nameOf(notification);
    byName.set(name, [...(byName.get(name) ?? []), notification]);
  }
  for (const window of packed) {
    for (const { index, windowKey, place } of byName.get(nameOf(window)) ?? []) {
      if (window.windowKey !== windowKey || window.place < place || window.place >= (places[index] ?? Infinity))
        continue;
      windows[index] = window;
      places[index] = window.place;
    }
  }
}
