import { Injectable } from '@nestjs/common';
import { History } from '@pns/history';
import { FailedDeliveryStore, SubscriptionStore, type DeadTarget, type FailedDelivery } from '@pns/persistence';
import { Queues } from '@pns/queue';
import { publish } from '@pns/redis';
import { declareCounter, declareHistogram, log, observerOf } from '@pns/runtime';
import {
  isForOperator,
  isRegistered,
  type Delivery,
  type Outcome,
  type OutcomeKind,
  transportNames,
  type TransportName,
} from '@pns/transport-contract';

/** One attempt and its outcome. Durations are in ms. */
export interface Attempt {
  readonly delivery: Delivery;
  readonly outcome: Outcome;
  /** In ms since the epoch. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** Whether the transport was not called. */
  readonly isUnsent?: boolean;
  /** The time until the next attempt; absent when there is none. */
  readonly nextAttemptInMs?: number;
}

/** Every kind of outcome. The compiler reports a missing one. */
const outcomeKinds = Object.keys({
  delivered: true,
  retry: true,
  gone: true,
  rejected: true,
  misconfigured: true,
  exhausted: true,
  expired: true,
  suppressed: true,
  moved: true,
} satisfies Record<OutcomeKind, true>);

const deliveries = declareCounter({
  name: 'pns_deliveries_total',
  help: 'Delivery attempts by transport and outcome.',
  labels: { transport: transportNames, outcome: outcomeKinds },
});

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const duration = declareHistogram({
  name: 'pns_delivery_duration_seconds',
  help: "Time from passing a delivery to its transport to the receiver's answer.",
  labels: { transport: transportNames },
  buckets,
});

const longBuckets = [...buckets, 60, 300, 3600, 86_400];

const endToEnd = declareHistogram({
  name: 'pns_end_to_end_seconds',
  help: "Time from a window's due time to the receiver's acceptance.",
  labels: { transport: transportNames },
  buckets: longBuckets,
});

const acceptanceToDelivery = declareHistogram({
  name: 'pns_acceptance_to_delivery_seconds',
  help: "Time from the acceptance (202) of the notification to the receiver's acceptance.",
  labels: { transport: transportNames },
  buckets: longBuckets,
});

/**
 * In ms. If a provider answers that a target died before its registration, the subscription stays for this time after the
 * registration. Without this limit, dead targets that were registered late, for example by an import, would get pushes for ever.
 */
const registrationHoldsMs = 86_400_000;

/** Counts deliveries that were suppressed before they were created. These deliveries have no log line. */
export function countSuppressed(transport: TransportName, count: number): void {
  deliveries.inc({ transport, outcome: 'suppressed' satisfies OutcomeKind }, count);
}

/** Records outcomes: every attempt in the log and the metrics, failed deliveries and dead targets in Postgres. */
@Injectable()
export class OutcomeRecorder {
  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly failed: FailedDeliveryStore,
    private readonly queues: Queues,
    private readonly history: History,
  ) {}

  /**
   * Records the attempts of a batch, with one statement for all dead targets and one for all failed deliveries. Safe to repeat.
   * Rejects when Postgres does not answer; then the caller must keep the batch.
   */
  async record(attempts: readonly Attempt[]): Promise<void> {
    const dead: DeadTarget[] = [];
    const failed: FailedDelivery[] = [];
    for (const attempt of attempts) {
      if (attempt.outcome.kind === 'delivered' || attempt.nextAttemptInMs !== undefined) continue;
      const target = deadTarget(attempt);
      if (target !== undefined) dead.push(target);
      const delivery = failedDelivery(attempt);
      if (delivery !== undefined) failed.push(delivery);
    }
    await Promise.all([this.subscriptions.removeDead(dead), this.failed.record(failed)]);
    countOutcomes(attempts);
    for (const attempt of attempts) measure(attempt);
    logAttempts(attempts);
    this.history.attempted(attempts.filter(({ delivery }) => !isForOperator(delivery)));
    const awaited = attempts.filter(({ delivery }) => delivery.replyTo !== undefined);
    await Promise.all(awaited.map((attempt) => this.reply(attempt)));
  }

  /** Adds deferred deliveries to the history: no attempt was made, and `nextAttemptInMs` is the time until the next one. */
  deferred(attempts: readonly Attempt[]): void {
    this.history.attempted(attempts.filter(({ delivery }) => !isForOperator(delivery)));
  }

  /** Sends the outcome of a test push to its caller. Never rejects, because the caller has a timeout. */
  private async reply({ delivery: { id, replyTo }, outcome }: Attempt): Promise<void> {
    if (replyTo === undefined) return;
    try {
      await publish(this.queues.redis, replyTo, JSON.stringify(outcome));
    } catch (error) {
      log.warn({ event: 'test.not-answered', delivery: id, reason: (error as Error).message });
    }
  }
}

/** The subscription to remove, unless it was registered after `deadAt`: during the attempt or an outage of Postgres. */
export function deadTarget({ delivery: { subscriptionId: id }, outcome, startedAt }: Attempt): DeadTarget | undefined {
  if (outcome.kind !== 'gone' || id === undefined) return undefined;
  const deadSince = Math.max(outcome.since ?? startedAt, startedAt - registrationHoldsMs);
  return { id, deadAt: Math.min(startedAt, deadSince) };
}

/** The row to store for an operator who may resend the delivery. */
export function failedDelivery({ delivery, outcome }: Attempt): FailedDelivery | undefined {
  if (outcome.kind === 'delivered' || outcome.kind === 'moved') return undefined;
  // Suppressed on purpose, so it is not stored and cannot be resent.
  if (outcome.kind === 'suppressed') return undefined;
  // The outcome of a test push is the answer to its request.
  if (delivery.replyTo !== undefined) return undefined;
  // The target is an open socket. After it has closed, the delivery has no target.
  if (outcome.kind === 'expired' && !isRegistered(delivery.transport)) return undefined;
  const isHeld = outcome.kind === 'misconfigured' && outcome.isTargetOnly !== true;
  const isKept = outcome.kind === 'exhausted' && outcome.isKept === true;
  const failed = { delivery, outcome: outcome.kind, reason: outcome.reason, isHeld, failedAt: Date.now() };
  return isKept ? { ...failed, isKept } : failed;
}

/** Whether the attempt reached the receiver, so that its duration counts. Other attempts would lower the measured times. */
export function reachedReceiver({ outcome, isUnsent = false }: Attempt): boolean {
  if (isUnsent || ['suppressed', 'moved', 'expired'].includes(outcome.kind)) return false;
  if (outcome.kind !== 'retry') return true;
  return outcome.isWaiting !== true && outcome.isDeferred !== true && outcome.isInternal !== true;
}

/** Writes a separate log line with level error for an exhausted delivery, for operators who read only errors. */
function logExhausted({ delivery }: Attempt, reason: string): void {
  log.error({
    event: 'delivery.exhausted',
    delivery: delivery.id,
    notification: delivery.notificationId,
    subscription: delivery.subscriptionId,
    context: delivery.context,
    user: delivery.user,
    client: delivery.client,
    transport: delivery.transport,
    topic: delivery.topic,
    attempts: delivery.attempt,
    reason,
  });
}

/** Counts equal outcomes in a row together, because all outcomes of most batches are equal. */
function countOutcomes(attempts: readonly Attempt[]): void {
  let count = 0;
  for (const [index, { delivery, outcome }] of attempts.entries()) {
    count++;
    const next = attempts[index + 1];
    if (next?.outcome.kind === outcome.kind && next.delivery.transport === delivery.transport) continue;
    deliveries.inc({ transport: delivery.transport, outcome: outcome.kind }, count);
    count = 0;
  }
}

/** Adds the times of an attempt to the metrics. */
function measure(attempt: Attempt): void {
  const { delivery, outcome, startedAt, durationMs } = attempt;
  const times = timesOf(delivery.transport);
  if (reachedReceiver(attempt)) times.duration(durationMs / 1000);
  if (outcome.kind === 'delivered') {
    // Never below 0, because the clocks of the accepting and the delivering process can differ.
    const secondsSince = (time: number): number => Math.max(0, startedAt + durationMs - time) / 1000;
    times.endToEnd(secondsSince(delivery.dueAt));
    times.acceptanceToDelivery(secondsSince(delivery.timestamp));
  }
}

type Times = Readonly<Record<'duration' | 'endToEnd' | 'acceptanceToDelivery', (seconds: number) => void>>;

const timesPerTransport = new Map<TransportName, Times>();

/** The observers of a transport, created on first use, because the transport may be one that only a newer version has. */
function timesOf(transport: TransportName): Times {
  const known = timesPerTransport.get(transport);
  if (known !== undefined) return known;
  const times = {
    duration: observerOf(duration, { transport }),
    endToEnd: observerOf(endToEnd, { transport }),
    acceptanceToDelivery: observerOf(acceptanceToDelivery, { transport }),
  };
  timesPerTransport.set(transport, times);
  return times;
}

/**
 * Writes one line for the deliveries that arrived at the first attempt, and a line for each other attempt. With level debug, the
 * log has a line for each attempt.
 */
export function logAttempts(attempts: readonly Attempt[]): void {
  const isUsual = ({ delivery, outcome }: Attempt) => outcome.kind === 'delivered' && delivery.attempt === 1;
  const usual = attempts.filter(isUsual);
  const [first] = usual;
  if (first !== undefined && log.isLevelEnabled('info')) {
    log.info({
      event: 'deliveries.delivered',
      transport: first.delivery.transport,
      deliveries: usual.map(({ delivery }) => delivery.id),
      notifications: usual.map(({ delivery }) => delivery.notificationId),
      durationMs: Math.round(Math.max(...usual.map(({ durationMs }) => durationMs))),
    });
  }
  for (const attempt of attempts) {
    if (!isUsual(attempt)) log.info({ event: 'delivery.attempted', ...fieldsOf(attempt) });
    else if (log.isLevelEnabled('debug')) log.debug({ event: 'delivery.attempted', ...fieldsOf(attempt) });
    const { outcome } = attempt;
    // A kept delivery has no error line, because its endpoint has one.
    if (outcome.kind === 'exhausted' && outcome.isKept !== true) logExhausted(attempt, outcome.reason);
  }
}

function fieldsOf({ delivery, outcome, durationMs, nextAttemptInMs }: Attempt): object {
  return {
    delivery: delivery.id,
    notification: delivery.notificationId,
    subscription: delivery.subscriptionId,
    context: delivery.context,
    user: delivery.user,
    client: delivery.client,
    transport: delivery.transport,
    topic: delivery.topic,
    attempt: delivery.attempt,
    outcome: outcome.kind,
    reason: 'reason' in outcome ? outcome.reason : undefined,
    durationMs: Math.round(durationMs),
    nextAttemptInMs,
  };
}
