import type { RedisClient } from '@pns/redis';

/** The number of jobs of a queue. Jobs that wait for a retry are delayed; completed jobs are deleted. */
export interface JobCounts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
}

/**
 * Counts the jobs of each queue, in the order of `queues`. Sends one pipeline for each key group, because in a cluster all keys
 * of a pipeline must be on one node.
 */
export async function jobCounts(
  redis: RedisClient,
  queues: readonly { readonly group: string; readonly name: string }[],
): Promise<JobCounts[]> {
  const groups = new Map<string, number[]>();
  queues.forEach(({ group }, index) => groups.set(group, [...(groups.get(group) ?? []), index]));
  const counts: JobCounts[] = [];
  await Promise.all(
    [...groups].map(async ([group, indices]) => {
      const pipeline = redis.pipeline();
      for (const index of indices) {
        const queue = `${group}:${queues[index]?.name}`;
        pipeline.llen(`${queue}:wait`).llen(`${queue}:active`).zcard(`${queue}:delayed`);
      }
      const answers = (await pipeline.exec()) ?? [];
      const fault = answers.find(([error]) => error !== null)?.[0];
      if (fault) throw fault;
      indices.forEach((index, at) => {
        const [waiting = 0, active = 0, delayed = 0] = answers
          .slice(at * 3, at * 3 + 3)
          .map(([, count]) => Number(count));
        counts[index] = { waiting, active, delayed };
      });
    }),
  );
  return counts;
}
