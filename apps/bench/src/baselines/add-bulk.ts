// BullMQ alone, as fast as possible: no HTTP, no validation, one delayed job per notification. Several calls of `addBulk` are in
// flight at once, each with as many jobs as our requests have notifications. A single call would wait for each round trip; more
// than four calls are not faster.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { cpuCosts } from '../cpu';
import { mailNotification } from '../notifications';

const inFlight = 4;

const { redisUrl, redisPid, batches, batchSize } = JSON.parse(process.argv[2] ?? '') as {
  redisUrl: string;
  redisPid: number;
  batches: number;
  batchSize: number;
};

async function run(): Promise<void> {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue('notifications', { connection, defaultJobOptions: { removeOnComplete: true } });
  let next = 0;
  const add = async (until: number): Promise<void> => {
    while (next < until) {
      const batch = next++;
      await queue.addBulk(
        Array.from({ length: batchSize }, (_, index) => ({
          name: 'notify',
          data: mailNotification(batch * batchSize + index),
          opts: { delay: 3_600_000 },
        })),
      );
    }
  };
  const all = (until: number) => Promise.all(Array.from({ length: inFlight }, () => add(until)));
  await all(inFlight);
  const costs = cpuCosts({ Node: process.pid, Redis: redisPid });
  const startedAt = performance.now();
  await all(inFlight + batches);
  const seconds = (performance.now() - startedAt) / 1000;
  const spent = costs(batches * batchSize);
  const lost = (inFlight + batches) * batchSize - (await queue.getDelayedCount());
  process.send?.({ value: (batches * batchSize) / seconds, lost, duplicated: 0, costs: spent });
}

void run();
