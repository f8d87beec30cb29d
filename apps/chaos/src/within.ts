import { setTimeout as pause } from 'node:timers/promises';

/**
 * Resolves with the result of `work`, or rejects after `ms` with an error that contains `what`, such as 'the end of a worker'.
 * The work is not cancelled, and its later error is ignored.
 */
export async function within<Result>(ms: number, what: string, work: Promise<Result>): Promise<Result> {
  const isOver = new AbortController();
  const late = pause(ms, undefined, { signal: isOver.signal }).then(() => {
    throw new Error(`This did not happen within ${ms / 1000} s: ${what}.`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    isOver.abort();
    late.catch(() => undefined);
  }
}
