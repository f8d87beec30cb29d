import type { Attempt } from '@pns/outcomes';
import type { Delivery, Outcome } from '@pns/transport-contract';
import type { Verdict } from './delivery-places';

/**
 * How long a delivery is deferred before it expires, in ms: about as long as the usual ten attempts take. Without this limit,
 * thousands of deliveries to a dead endpoint would be deferred for weeks, because an open circuit allows one attempt at a time.
 */
const maxDeferredMs = 24 * 60 * 60 * 1000;

/**
 * A deferred delivery pauses at least as long as it has been deferred already, divided by this number. So the deliveries to a
 * dead endpoint do not run every minute all day, and an endpoint that recovers gets all its deliveries within about a third of
 * the time for which it was away.
 */
export const deferredParts = 4;

/** When the delivery was first deferred, in ms since the epoch. Reads the deliveries of earlier versions too. */
export function deferredSince(delivery: Delivery): number | undefined {
  return delivery.deferredSince ?? delivery.sparedSince;
}

/** The delivery for its next attempt. An attempt ends the deferral; a wait (`isWaiting`) keeps the start of the deferral. */
export function nextAttemptOf({ delivery, outcome }: Attempt): Delivery {
  const next = { ...delivery, attempt: delivery.attempt + 1 };
  const isWaiting = outcome.kind === 'retry' && outcome.isWaiting === true;
  return isWaiting ? next : { ...next, deferredSince: undefined, sparedSince: undefined };
}

export function deferredForMs(delivery: Delivery, now: number): number {
  return now - (deferredSince(delivery) ?? now);
}

/** Whether the delivery was deferred: nothing was sent, and a later run tries again. A test push is never deferred. */
export function isDeferred({ delivery, outcome }: Attempt): boolean {
  return outcome.kind === 'retry' && outcome.isDeferred === true && delivery.replyTo === undefined;
}

/** Returns the outcome of an attempt, or `expired` instead of a further deferral if the delivery was deferred for too long. */
export function withoutEndlessDeferral(delivery: Delivery, outcome: Outcome): Outcome {
  if (outcome.kind !== 'retry' || outcome.isDeferred !== true) return outcome;
  if (deferredForMs(delivery, Date.now()) < maxDeferredMs) return outcome;
  return { kind: 'expired', reason: 'it was deferred for a day, because the endpoint failed or requested pauses' };
}

/** The attempts that were not aborted. */
export function attemptsAmong(settled: readonly PromiseSettledResult<Attempt>[]): Attempt[] {
  const attempts: Attempt[] = [];
  for (const each of settled) if (each.status === 'fulfilled') attempts.push(each.value);
  return attempts;
}

/** The outcome of an attempt that ended with an unexpected error. */
export const internalError: Outcome = { kind: 'retry', reason: 'internal error', isInternal: true };

/**
 * Whether the endpoint answered or failed; `nothing` for outcomes that may arise without a request to the endpoint, or by an
 * internal error.
 */
export function verdictOf(outcome: Outcome): Verdict {
  if (outcome.kind === 'delivered' || outcome.kind === 'gone') return 'answered';
  if (outcome.kind !== 'retry') return 'nothing';
  const isWithoutRequest = outcome.isDeferred === true || outcome.isWaiting === true;
  return isWithoutRequest || outcome.isInternal === true ? 'nothing' : 'failed';
}

/** Changes the outcome `retry` to `exhausted` if no retry was enqueued. A test push keeps the outcome `retry`. */
export function withVerdict(attempt: Attempt): Attempt {
  const { delivery, outcome, nextAttemptInMs } = attempt;
  if (outcome.kind !== 'retry' || nextAttemptInMs !== undefined || delivery.replyTo !== undefined) return attempt;
  return { ...attempt, outcome: { kind: 'exhausted', reason: outcome.reason } };
}

/** Deliveries whose waits are equal after rounding up to this step, in ms, share a job. Otherwise each could need its own job. */
const waitStepMs = 1000;

/** The wait that the endpoint asked for, in ms. */
export function askedMs({ outcome }: Attempt): number {
  return (outcome.kind === 'retry' && outcome.afterMs) || 0;
}

/** Groups attempts by their wait in ms, so that a long wait does not delay attempts with a shorter one. */
export function byWait(attempts: readonly Attempt[], waitMs: (attempt: Attempt) => number): Attempt[][] {
  const groups = new Map<number, Attempt[]>();
  for (const attempt of attempts) {
    const steps = Math.ceil(waitMs(attempt) / waitStepMs);
    groups.set(steps, [...(groups.get(steps) ?? []), attempt]);
  }
  return [...groups.values()];
}
