import type { RedisClient } from '@pns/redis';

/** What a step of an erasure came upon. */
export interface Erased {
  /** How many things there were of the owner's. */
  readonly found: number;
  /**
   * Locks of the jobs that had some of it in hand. A worker may still leave traces of it until its lock is gone, so that
   * the step has to be repeated then.
   */
  readonly heldBy: readonly string[];
}

/** What several steps came upon. */
export function erasedInAll(steps: readonly Erased[]): Erased {
  return {
    found: steps.reduce((sum, { found }) => sum + found, 0),
    heldBy: [...new Set(steps.flatMap(({ heldBy }) => heldBy))],
  };
}

/** The key that BullMQ keeps as long as a worker has a job in hand; it expires when the worker died. */
export function jobLock(group: string, queue: string, jobId: string): string {
  return `${group}:${queue}:${jobId}:lock`;
}

/** Those of the locks that are held. */
export async function heldLocks(redis: RedisClient, locks: readonly string[]): Promise<string[]> {
  const held = await Promise.all(locks.map((lock) => redis.exists(lock)));
  return locks.filter((_, index) => held[index] === 1);
}
