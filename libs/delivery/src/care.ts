import { setTimeout as sleep } from 'node:timers/promises';
import type { Attempt } from '@pns/outcomes';
import type { Delivery } from '@pns/transport-contract';
import { bulkhead } from 'cockatiel';

/** A job that was in progress when its process died this often is run with care, a few deliveries at a time. */
export const careAfterDeaths = 2;

/** A delivery that was being sent with care when its process died this often is not sent any more. */
const mostDeaths = 2;

/** How many deliveries that no process died of yet are sent together. */
const deliveriesPerStep = 10;

/** What kills a process does so within this time as a rule, in ms; later, other jobs need not wait any longer. */
const stepMs = 5000;

/** A process dies as a whole, so of all its jobs only one at a time sends what may be the cause. */
const steps = bulkhead(1, Number.MAX_SAFE_INTEGER);

/** Whether processes died so often while they sent a delivery with care that it is not sent any more. */
export function isDeadly(tries: number): boolean {
  return tries >= mostDeaths;
}

/** How a delivery ends that is not sent any more, because processes died of it. */
export function givenUp(delivery: Delivery): Attempt {
  const deaths = careAfterDeaths + mostDeaths;
  const reason = `its process died ${deaths} times, at last while it sent this delivery alone`;
  return { delivery, outcome: { kind: 'exhausted', reason }, startedAt: Date.now(), durationMs: 0, isUnsent: true };
}

/**
 * The order in which deliveries are sent with care: those first of which no process died yet, some at a time, and then the others,
 * each alone. So a death accuses a few at first and a single one in the end.
 */
export function stepsOf(deliveries: readonly Delivery[], triesOf: (id: string) => number): Delivery[][] {
  const others = deliveries.filter(({ id }) => triesOf(id) > 0);
  const innocent = deliveries.filter(({ id }) => triesOf(id) === 0);
  const together: Delivery[][] = [];
  for (let at = 0; at < innocent.length; at += deliveriesPerStep) {
    together.push(innocent.slice(at, at + deliveriesPerStep));
  }
  return [...together, ...others.sort((a, b) => triesOf(a.id) - triesOf(b.id)).map((each) => [each])];
}

/** What `attempts` come to, which begin when no other job of this process sends anything with care, after `begin`. */
export async function withCare<Result>(begin: () => Promise<void>, attempts: () => Promise<Result>): Promise<Result> {
  let results: Promise<Result> | undefined;
  await steps.execute(async () => {
    await begin();
    results = attempts();
    await Promise.race([results, sleep(stepMs, undefined, { ref: false })]);
  });
  return results as Promise<Result>;
}
