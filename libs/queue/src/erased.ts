import type { RedisClient } from '@pns/redis';

/** The result of one step of an erasure. */
export interface Erased {
  /** How many items of the owner were found. */
  readonly found: number;
  /**
   * Locks of the jobs in progress that contain data of the owner. Their workers may still write such data, so the step must be
   * repeated when the locks are gone.
   */
  readonly heldBy: readonly string[];
}

/** The sum of the results of several steps. */
export function erasedInAll(steps: readonly Erased[]): Erased {
  return {
    found: steps.reduce((sum, { found }) => sum + found, 0),
    heldBy: [...new Set(steps.flatMap(({ heldBy }) => heldBy))],
  };
}

/** The key that exists while a worker runs a job (BullMQ). It expires if the worker dies. */
export function jobLock(group: string, queue: string, jobId: string): string {
  return `${group}:${queue}:${jobId}:lock`;
}

/** Returns the `locks` that exist now. */
export async function heldLocks(redis: RedisClient, locks: readonly string[]): Promise<string[]> {
  const held = await Promise.all(locks.map((lock) => redis.exists(lock)));
  return locks.filter((_, index) => held[index] === 1);
}
