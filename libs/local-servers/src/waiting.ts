import { setTimeout as pause } from 'node:timers/promises';

const longestPauseMs = 50;

/** The values that mean "not yet". */
type NotYet = undefined | null | false;

/**
 * Resolves with the result of `look` once it is neither undefined, null nor false. For states without an event: looks
 * again after pauses, because a loop without pauses takes the CPU time that the awaited work needs. Rejects after
 * `withinMs` with an error that contains `what`, a clause: 'the delivery has failed'.
 */
export async function eventually<Seen>(
  what: string,
  look: () => Seen | Promise<Seen>,
  withinMs = 60_000,
): Promise<Exclude<Seen, NotYet>> {
  const until = performance.now() + withinMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<Seen, NotYet>;
    if (performance.now() > until) throw new Error(`This did not happen within ${withinMs} ms: ${what}.`);
    await pause(pauseMs);
  }
}

/** The first one makes a quick test; the last one is long enough for a machine that stalls for seconds. */
const [longestMs, ...shorterMs] = [16_000, 1000, 4000] as const;

/**
 * Calls `check` with a time-out in ms. Where it fails, calls it again with a longer one, and rejects with the last error.
 *
 * For tests in which a part of an answer must arrive before a time-out ends it. A short time-out can be over before a busy
 * machine has read that part; a long one would make every run slow. Each call of `check` must start its scene anew.
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
