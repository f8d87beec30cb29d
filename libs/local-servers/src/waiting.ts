import { setTimeout as pause } from 'node:timers/promises';

/** The longest pause between two looks. It grows with the time waited, to leave the CPU time to other tests. */
const longestPauseMs = (waitedMs: number): number => Math.min(Math.max(50, waitedMs / 20), 250);

/** The values that mean "not yet". */
type NotYet = undefined | null | false;

/**
 * Resolves with the result of `look` once it is neither undefined, null nor false. Use it for states without an event. Looks
 * again after pauses, because a loop without pauses takes the CPU time that the awaited work needs. Rejects after
 * `withinMs` with an error that contains `what`, a clause: 'the delivery has failed'.
 */
export async function eventually<Seen>(
  what: string,
  look: () => Seen | Promise<Seen>,
  withinMs = 60_000,
): Promise<Exclude<Seen, NotYet>> {
  const from = performance.now();
  for (let pauseMs = 1; ; pauseMs *= 2) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<Seen, NotYet>;
    const waitedMs = performance.now() - from;
    if (waitedMs > withinMs) throw new Error(`This did not happen within ${withinMs} ms: ${what}.`);
    pauseMs = Math.min(pauseMs, longestPauseMs(waitedMs));
    await pause(pauseMs);
  }
}

/** Time-outs to try, in ms. The longest is tried last, and is long enough for a machine that stalls for seconds. */
const [longestMs, ...shorterMs] = [16_000, 1000, 4000] as const;

/**
 * Calls `check` with a time-out in ms. If it fails, calls it again with longer time-outs, and rejects with the last error.
 *
 * For tests in which a part of an answer must arrive before a time-out ends it. A short time-out can be over before a busy
 * machine has read that part; a long one would make every run slow. Each call of `check` must start from the beginning.
 */
export async function withEnoughTime(check: (timeoutMs: number) => Promise<void>): Promise<void> {
  for (const timeoutMs of shorterMs) {
    try {
      return await check(timeoutMs);
    } catch {
      // The time-out may have been too short for this machine.
    }
  }
  await check(longestMs);
}
