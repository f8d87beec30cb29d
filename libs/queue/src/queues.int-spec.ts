import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import type { Queue } from 'bullmq';
import { connectRedis, KeySpace } from '@pns/redis';
import { Queues } from './queues.service';

const atOnce = { backoff: 0 };

it.each<[string, (queue: Queue<unknown, unknown, string>) => Promise<unknown>]>([
  ['added alone', (queue) => queue.add('one', {}, atOnce)],
  ['added with others', (queue) => queue.addBulk([{ name: 'one', data: {}, opts: atOnce }])],
  ['made by a scheduler', (queue) => queue.upsertJobScheduler('one', { every: 60_000 }, { opts: atOnce })],
])('a job %s keeps the stack of its last failure only', async (_, add) => {
  const queues = new Queues(connectRedis(testRedisUrl()), new KeySpace(1, freshPrefix()));
  const group = queues.keys.group(0);
  await add(queues.queue(group, 'any'));
  let tell: (stacks: readonly string[] | null) => void;
  const kept = new Promise<readonly string[] | null>((resolve) => (tell = resolve));
  const worker = queues.worker(group, 'any', (job) => {
    if (job.attemptsMade < 3) throw new Error(`failure ${job.attemptsMade + 1}`);
    tell(job.stacktrace);
    return Promise.resolve();
  });
  const stacks = await kept;
  await worker.close();
  await queues.onApplicationShutdown();
  expect(stacks).toEqual([expect.stringContaining('failure 3')]);
});
