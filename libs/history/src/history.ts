import { Injectable } from '@nestjs/common';
import { ConfigCascade, decisionReason, type HistoryMode } from '@pns/config-cascade';
import type { DueWindow, Notification } from '@pns/notifications';
import type { DecidedBy, HistoryTarget } from '@pns/persistence';
import type { UserKey } from '@pns/subscriptions';
import { distinctId, type Delivery, type Outcome, type TransportName } from '@pns/transport-contract';
import { HistoryWriter } from './history-writer';

/** An attempt that has ended, or a deferral. Durations are in ms, `startedAt` in ms since the epoch. */
interface EndedAttempt {
  readonly delivery: Delivery;
  readonly outcome: Outcome;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly nextAttemptInMs?: number;
}

/** A target that matches a notification and must not get it: its transport is off, or it caused the notification. */
export interface SuppressedTarget {
  readonly transport: TransportName;
  readonly client: string;
  readonly subscription?: string | undefined;
  readonly isSource: boolean;
}

/** A due window, its deliveries, and the targets for which no delivery was created. */
export interface Dispatched {
  readonly window: Omit<DueWindow, 'size'>;
  readonly deliveries: readonly Delivery[];
  readonly suppressed: readonly SuppressedTarget[];
}

/** Records the history of notifications, as the properties of their users require. No method waits or fails. */
@Injectable()
export class History {
  constructor(
    private readonly writer: HistoryWriter,
    private readonly cascade: ConfigCascade,
  ) {}

  /** Which records are written for notifications of `topic` to a user. This is a lookup in memory. */
  modeOf(topic: string, subject: UserKey): HistoryMode {
    return this.cascade.historyMode(topic, subject);
  }

  /** Counts an accepted notification for the usage. The mode of its history must not be `none`. */
  counted(notification: Notification): void {
    this.writer.count('notifications', notification);
  }

  /**
   * Records that a notification was accepted into a window. `place` is its number in the order of acceptance. Call it
   * only in the mode `all`.
   */
  accepted(notification: Notification, windowKey: string, place: number): void {
    this.addAccepted(notification, shortKey(windowKey), place);
  }

  /**
   * Whether the window of a notification is recorded. In the mode `failures`, a window with a delivery is not recorded. Then
   * `dispatched` records only its targets that are switched off.
   */
  isWanted(notification: UserKey & { readonly topic: string }, deliveries: number): boolean {
    const mode = this.modeOf(notification.topic, notification);
    return mode === 'all' || (mode === 'failures' && deliveries === 0);
  }

  /**
   * Records a window whose deliveries are in their queues. Callers may skip a window that `isWanted` refuses and that has no
   * suppressed target.
   */
  dispatched({ window, deliveries, suppressed }: Dispatched): void {
    const { notification, windowKey, order, count, dueAt } = window;
    const mode = this.modeOf(notification.topic, notification);
    if (mode !== 'none') {
      for (const { transport, client } of suppressed) {
        this.writer.count('suppressed', {
          context: notification.context,
          topic: notification.topic,
          transport,
          client,
        });
      }
    }
    if (!this.isWanted(notification, deliveries.length)) {
      const switchedOff = mode === 'failures' ? suppressed.filter(({ isSource }) => !isSource) : [];
      if (switchedOff.length === 0) return;
      this.addAccepted(notification, '', 0);
      this.addSuppressed(notification, switchedOff);
      return;
    }
    const { context, user } = notification;
    const at = Date.now();
    const key = windowKey === undefined ? '' : shortKey(windowKey);
    const place = order ?? 0;
    if (mode === 'failures') this.addAccepted(notification, key, place);
    const targets = deliveries.map(targetOf);
    const sent = distinctId(notification);
    const acceptedAt = notification.timestamp;
    this.writer.addWindow({
      ...{ at, context, user, place, count, dueAt, acceptedAt, windowKey: key, notification: sent, targets },
    });
    this.addSuppressed(notification, suppressed);
  }

  private addSuppressed(
    notification: Pick<Notification, 'id' | 'producer' | 'context' | 'user' | 'topic'>,
    suppressed: readonly SuppressedTarget[],
  ): void {
    const { context, user } = notification;
    for (const { transport, client, subscription, isSource } of suppressed) {
      this.writer.addAttempt({
        ...{ at: Date.now(), context, user, transport, client, subscription },
        ...{ notification: distinctId(notification), delivery: '', attempt: 0, durationMs: 0, outcome: 'suppressed' },
        ...(isSource ? { reason: 'it caused the notification' } : this.switchOf(transport, notification, client)),
      });
    }
  }

  /** Records attempts that have ended, and deferrals. Test pushes are skipped, because they belong to no notification. */
  attempted(attempts: readonly EndedAttempt[]): void {
    for (const attempt of attempts) this.attemptEnded(attempt);
  }

  private attemptEnded({ delivery, outcome, startedAt, durationMs, nextAttemptInMs }: EndedAttempt): void {
    const { context, user, topic, notificationId, producer, attempt, timestamp, transport, client } = delivery;
    if (delivery.replyTo !== undefined) return;
    const mode = this.modeOf(topic, delivery);
    if (mode === 'none') return;
    this.count(delivery, outcome);
    const isFailure = outcome.kind !== 'moved' && (outcome.kind !== 'delivered' || attempt > 1);
    if (mode === 'failures' && !isFailure) return;
    const identity = { id: notificationId, ...(producer !== undefined && { producer }) };
    if (mode === 'failures' && !this.isOver(timestamp)) {
      this.addAccepted({ ...identity, context, user, topic, timestamp }, '', 0);
    }
    const found = outcome.kind === 'suppressed' ? this.switchOf(transport, delivery, client) : undefined;
    // The fields are copied one by one, which is fast, because this code runs for each delivery.
    this.writer.addAttempt({
      at: startedAt === 0 ? Date.now() : startedAt,
      context,
      user,
      durationMs,
      attempt,
      notification: distinctId(identity),
      delivery: delivery.id,
      transport,
      client,
      subscription: delivery.subscriptionId,
      dueAt: delivery.dueAt,
      outcome: isDeferral(outcome) ? 'deferred' : outcome.kind,
      reason: found?.reason ?? ('reason' in outcome ? outcome.reason : undefined),
      providerId: outcome.kind === 'delivered' ? outcome.providerId : undefined,
      nextAt: nextAttemptInMs === undefined ? undefined : Math.round(startedAt + durationMs + nextAttemptInMs),
      decidedBy: found?.decidedBy,
    });
  }

  private addAccepted(
    accepted: Pick<Notification, 'id' | 'producer' | 'context' | 'user' | 'topic' | 'timestamp'>,
    windowKey: string,
    place: number,
  ): void {
    const { context, user, topic, timestamp: at } = accepted;
    this.writer.addNotification({ at, context, user, place, notification: distinctId(accepted), topic, windowKey });
  }

  private count(delivery: Delivery, { kind }: Outcome): void {
    if (kind === 'retry' || kind === 'moved') return;
    this.writer.count(kind === 'delivered' || kind === 'suppressed' ? kind : 'failed', delivery);
  }

  /** Whether the retention of a notification has ended, for example of an old notification that an operator sends again. */
  private isOver(timestamp: number): boolean {
    return timestamp < Date.now() - this.cascade.resolve('com.openexchange.pns.history.retention').value;
  }

  /** The property that switches a transport off, and a reason; empty if the transport is on. */
  private switchOf(
    transport: TransportName,
    { context, user, topic }: UserKey & { readonly topic: string },
    client: string,
  ): { readonly reason?: string; readonly decidedBy?: DecidedBy } {
    const decision = this.cascade.explain(transport, { context, user, client, topic })?.decision;
    if (decision === undefined || decision.isEnabled) return {};
    return { reason: decisionReason(decision), decidedBy: { name: decision.name, origin: decision.origin } };
  }
}

function isDeferral(outcome: Outcome): boolean {
  return outcome.kind === 'retry' && outcome.isDeferred === true;
}

function targetOf({ id: delivery, transport, client, subscriptionId: subscription }: Delivery): HistoryTarget {
  return { delivery, transport, client, subscription };
}

/** The first 66 bits of the digest at the end of a window's key, which distinguish the windows of a user. */
function shortKey(windowKey: string): string {
  const digest = windowKey.lastIndexOf(':') + 1;
  return windowKey.slice(digest, digest + 11);
}
