/** The growth factor of pauses. Ten attempts take about a day: 5 s, 16 s, 51 s, 2.7 min, 8.7 min, 28 min, 1.5 h, 4.8 h, 15 h. */
const growth = 3.2;

/** Longest pause between two attempts, in ms. */
const longestMs = 24 * 60 * 60 * 1000;

/**
 * The pause before the next attempt, in ms. It is exponential, with a jitter of a quarter either way (`random` is in [0, 1)), so
 * that deliveries that failed together are not retried together. If the endpoint asked for a wait (`afterMs`), the pause is never
 * shorter than it. A short `afterMs` does not shorten the pause.
 */
export function backOffMs(attempt: number, baseMs: number, afterMs = 0, random = Math.random()): number {
  const pause = Math.min(baseMs * growth ** (attempt - 1), longestMs);
  return Math.round(Math.max(pause * (0.75 + random / 2), afterMs * (1 + random / 4)));
}
