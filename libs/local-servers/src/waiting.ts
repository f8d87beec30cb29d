/** The first one makes a quick test; the last one is long enough for a machine that stalls for seconds. */
const [longestMs, ...shorterMs] = [16_000, 1000, 4000] as const;

/**
 * Calls `check` with a time-out in ms. Where it fails, calls it again with a longer one, and rejects with the last error.
 *
 * For tests in which a part of an answer must arrive before a time-out ends it: a short time-out can be over before a
 * busy machine has read that part, and a long one would make every run slow. Each call of `check` must start its scene
 * anew.
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
