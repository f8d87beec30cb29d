import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import {
  HistoryLookup,
  type DecidedBy,
  type FoundNotification,
  type FoundWindow,
  type HistoryAttempt,
  type HistoryFilter,
  type HistoryGap,
  type HistoryReach,
  type HistoryTarget,
  type Page,
  type PageRequest,
} from '@pns/persistence';
import { identifiedBy, type IdentifiedNotification } from '@pns/transport-contract';
import { historySentence } from './history-sentence';

/** One attempt of a delivery, or a deferral. Times are in ms since the epoch. */
export interface AttemptHistory {
  readonly number: number;
  readonly at: number;
  readonly durationMs: number;
  readonly outcome: string;
  readonly reason?: string;
  readonly providerId?: string;
  readonly nextAttempt?: number;
}

/** A delivery, or a target to which the notification was not sent. */
export interface DeliveryHistory {
  /** Absent if no delivery was made. */
  readonly id?: string;
  readonly transport: string;
  readonly client: string;
  readonly subscription?: string;
  /** The outcome of the last attempt; `waiting` before the first one. */
  readonly outcome: string;
  readonly reason?: string;
  readonly decidedBy?: DecidedBy;
  readonly nextAttempt?: number;
  readonly attempts: readonly AttemptHistory[];
}

/** The history of a notification. Times are in ms since the epoch. */
export interface NotificationHistory {
  readonly id: string;
  /** Distinguishes notifications of two producers whose own ids are equal. */
  readonly producer?: string;
  readonly context: number;
  readonly user: number;
  readonly topic: string;
  /** `failures` if the deliveries that arrived at the first attempt are left out. */
  readonly recorded: 'all' | 'failures';
  readonly received: number;
  /** When its window fell due. */
  readonly aggregated?: number;
  /** When its deliveries were in their queues. */
  readonly dispatched?: number;
  /** The number of notifications in its window. */
  readonly joined?: number;
  /** The id of the notification that was sent in place of this one. */
  readonly joinedInto?: string;
  /** The deliveries of the notification or, if it was joined into another notification, the deliveries of that notification. */
  readonly deliveries: readonly DeliveryHistory[];
  /** Times in which some of its history may be missing. */
  readonly gaps: readonly HistoryGap[];
  readonly sentence: string;
}

/** A page ends soon after this many deliveries and attempts, so that it fits into the memory of this process. */
const maxDetails = 10_000;

/** The number of notifications whose deliveries and attempts are read at once. */
const notificationsPerStep = 25;

/** Reads the history of notifications, with a sentence for each. */
@Injectable()
export class HistoryReader {
  constructor(
    private readonly lookup: HistoryLookup,
    private readonly cascade: ConfigCascade,
  ) {}

  /**
   * The history of the newest notification with this id, and all other notifications with it, newest first: an id may belong to
   * several users and CloudEvents.
   */
  async named(
    id: IdentifiedNotification,
    reach: HistoryReach,
  ): Promise<[newest?: NotificationHistory, ...others: FoundNotification[]]> {
    const [first, ...others] = await this.lookup.named(id, this.since(), reach);
    if (first === undefined) return [];
    const [newest] = await this.historiesOf([first]);
    return [newest, ...others];
  }

  /** The notifications of a user, newest first. A page is shorter than its limit if its deliveries and attempts are many. */
  async list(
    filter: Omit<HistoryFilter, 'since'> & { readonly since?: number | undefined },
    page: PageRequest,
  ): Promise<Page<NotificationHistory>> {
    const since = Math.max(filter.since ?? 0, this.since());
    const { items: found, ...more } = await this.lookup.list({ ...filter, since }, page);
    const items: NotificationHistory[] = [];
    let details = 0;
    while (items.length < found.length) {
      const next = await this.historiesOf(found.slice(items.length, items.length + notificationsPerStep));
      items.push(...next);
      details += next.reduce((sum, { deliveries }) => sum + detailsOf(deliveries), 0);
      const last = found[items.length - 1];
      if (details >= maxDetails && last !== undefined && items.length < found.length) {
        return { items, nextCursor: this.lookup.cursorAfter(last) };
      }
    }
    return { items, ...more };
  }

  /** The gaps since `since`, or in the whole history. */
  gaps(since = 0, until = Date.now()): Promise<HistoryGap[]> {
    return this.lookup.gaps(Math.max(since, this.since()), until);
  }

  private since(): number {
    return Date.now() - this.cascade.resolve('com.openexchange.pns.history.retention').value;
  }

  private async historiesOf(found: readonly FoundNotification[]): Promise<NotificationHistory[]> {
    if (found.length === 0) return [];
    const [windows, gaps] = await Promise.all([
      this.lookup.windowsOf(found),
      this.gaps(Math.min(...found.map(({ at }) => at))),
    ]);
    const sent = found.map((notification, index) => ({
      ...notification,
      notification: windows[index]?.notification ?? notification.notification,
      dueAt: windows[index]?.dueAt,
    }));
    const attempts = new Map<string, HistoryAttempt[]>();
    for (const attempt of await this.lookup.attemptsOf(sent)) {
      const key = keyOf(attempt);
      const known = attempts.get(key);
      if (known === undefined) attempts.set(key, [attempt]);
      else known.push(attempt);
    }
    return found.map((notification, index) => {
      const ofSent = attempts.get(keyOf(sent[index] ?? notification)) ?? [];
      return historyOf(notification, windows[index], ofSent, gaps);
    });
  }
}

function keyOf({ context, user, notification }: Pick<FoundNotification, 'context' | 'user' | 'notification'>): string {
  return `${context} ${user} ${notification}`;
}

function historyOf(
  { notification, context, user, topic, at, windowKey }: FoundNotification,
  window: FoundWindow | undefined,
  attempts: readonly HistoryAttempt[],
  gaps: readonly HistoryGap[],
): NotificationHistory {
  const deliveries = deliveriesOf(window?.targets ?? [], attempts);
  const end =
    deliveries.some(({ outcome }) => !isFinal(outcome)) || deliveries.length === 0 ? Infinity : endOf(attempts);
  const facts = {
    ...identifiedBy(notification),
    ...{ context, user, topic, received: at },
    recorded: windowKey === '' ? ('failures' as const) : ('all' as const),
    ...(window === undefined ? {} : { aggregated: window.dueAt, dispatched: window.at, joined: window.count }),
    ...(window === undefined || window.notification === notification
      ? {}
      : { joinedInto: identifiedBy(window.notification).id }),
    deliveries,
    gaps: gaps.filter(({ since, until }) => until >= at && since <= end),
  };
  return { ...facts, sentence: historySentence(facts) };
}

function detailsOf(deliveries: readonly DeliveryHistory[]): number {
  return deliveries.reduce((sum, { attempts }) => sum + attempts.length, deliveries.length);
}

/** Whether a delivery with this outcome has ended. */
function isFinal(outcome: string): boolean {
  return !['waiting', 'retry', 'deferred', 'moved'].includes(outcome);
}

function endOf(attempts: readonly HistoryAttempt[]): number {
  return Math.max(...attempts.map(({ at, durationMs }) => at + durationMs));
}

/**
 * The targets of a window, each with its attempts. After them come targets that are only in an attempt, because their window was
 * not recorded or they got no delivery.
 */
function deliveriesOf(targets: readonly HistoryTarget[], attempts: readonly HistoryAttempt[]): DeliveryHistory[] {
  const byDelivery = new Map<string, { target: HistoryTarget; attempts: HistoryAttempt[] }>();
  for (const target of targets) byDelivery.set(target.delivery, { target, attempts: [] });
  for (const attempt of attempts) {
    const { delivery, transport, client, subscription } = attempt;
    const key = delivery === '' ? `${transport} ${client} ${subscription}` : delivery;
    const known = byDelivery.get(key);
    if (known === undefined) byDelivery.set(key, { target: attempt, attempts: [attempt] });
    else if (!known.attempts.some((other) => isSame(other, attempt))) known.attempts.push(attempt);
  }
  return [...byDelivery.values()].map(({ target, attempts: own }) => deliveryOf(target, own));
}

/** Whether two rows are one attempt, written twice after a lost answer or by a job that ran twice. */
function isSame(one: HistoryAttempt, other: HistoryAttempt): boolean {
  return one.attempt === other.attempt && one.outcome === other.outcome && one.at === other.at;
}

function deliveryOf(
  { delivery, transport, client, subscription }: HistoryTarget,
  attempts: readonly HistoryAttempt[],
): DeliveryHistory {
  const last = attempts.at(-1);
  return {
    ...(delivery === '' ? {} : { id: delivery }),
    transport,
    client,
    ...(subscription === undefined ? {} : { subscription }),
    outcome: last?.outcome ?? 'waiting',
    ...(last?.reason === undefined ? {} : { reason: last.reason }),
    ...(last?.decidedBy === undefined ? {} : { decidedBy: last.decidedBy }),
    ...(last?.nextAt === undefined ? {} : { nextAttempt: last.nextAt }),
    attempts: attempts.filter(({ attempt }) => attempt > 0).map(attemptOf),
  };
}

function attemptOf({ attempt, at, durationMs, outcome, reason, providerId, nextAt }: HistoryAttempt): AttemptHistory {
  return {
    ...{ number: attempt, at, durationMs, outcome },
    ...(reason === undefined ? {} : { reason }),
    ...(providerId === undefined ? {} : { providerId }),
    ...(nextAt === undefined ? {} : { nextAttempt: nextAt }),
  };
}
