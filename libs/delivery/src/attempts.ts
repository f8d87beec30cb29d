import type { Attempt } from '@pns/outcomes';
import type { Delivery, Outcome } from '@pns/transport-contract';
import type { Verdict } from './delivery-places';

/**
 * How long a delivery is spared before it is put aside, in ms: about what the usual ten attempts take. An open circuit lets one
 * delivery through at a time, so that thousands would take turns for weeks where an endpoint never comes back.
 */
export const maxSparedMs = 24 * 60 * 60 * 1000;

/**
 * A pause is at least this part of the time that a delivery has been spared: what waits for a dead endpoint grows all day and is not
 * to come back every minute, and an endpoint that is back has everything within about a third of the time that it was away.
 */
export const sparedParts = 4;

export function sparedForMs({ sparedSince }: Delivery, now: number): number {
  return sparedSince === undefined ? 0 : now - sparedSince;
}

/** Whether the attempt was deferred: nothing was sent, and a later run decides again. A test push gets its answer at once instead. */
export function isSpared({ delivery, outcome }: Attempt): boolean {
  return outcome.kind === 'retry' && outcome.isSpared === true && delivery.replyTo === undefined;
}

/** What an outcome says about how much its far side can take. A payload may be rejected, or settings found wrong, without asking it. */
export function verdictOf(outcome: Outcome): Verdict {
  if (outcome.kind === 'delivered' || outcome.kind === 'gone') return 'answered';
  if (outcome.kind !== 'retry') return 'nothing';
  return outcome.isSpared === true || outcome.isWaiting === true ? 'nothing' : 'failed';
}

/** The last attempt that failed ends the delivery. Who asked for a test is told that another attempt would be made. */
export function withVerdict(attempt: Attempt): Attempt {
  const { delivery, outcome, nextAttemptInMs } = attempt;
  if (outcome.kind !== 'retry' || nextAttemptInMs !== undefined || delivery.replyTo !== undefined) return attempt;
  return { ...attempt, outcome: { kind: 'exhausted', reason: outcome.reason } };
}

/** Times to wait that differ by less than this are one, in ms: a job for each millisecond would be as many jobs as deliveries. */
const waitStepMs = 1000;

/** What a far side put off for longer must not hold up the others. */
export function byWait(attempts: readonly Attempt[]): Attempt[][] {
  const groups = new Map<number, Attempt[]>();
  for (const attempt of attempts) {
    const afterMs = (attempt.outcome.kind === 'retry' && attempt.outcome.afterMs) || 0;
    const steps = Math.ceil(afterMs / waitStepMs);
    groups.set(steps, [...(groups.get(steps) ?? []), attempt]);
  }
  return [...groups.values()];
}
