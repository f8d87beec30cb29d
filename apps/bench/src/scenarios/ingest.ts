import { Redis } from 'ioredis';
import { runBaseline } from '../baseline-process';
import { cpuCosts } from '../cpu';
import { mailNotification } from '../notifications';
import { Producer } from '../producer';
import { end } from '../profile';
import type { Measured, Scenario, Size } from '../scenario';
import { startMeasured, withRedis } from '../servers';

const batchSize = 100;
/** Requests in flight at once. On a machine of two cores, more are not faster. */
const inFlight = 16;
const batchesOf = (size: Size): number => (size === 'full' ? 2000 : 300);

/** No window falls due during the measurement: both sides only accept. */
export const nothingFallsDue = {
  'com.openexchange.pns.delayDuration': 3_600_000,
  'com.openexchange.pns.maxDelayDuration': 7_200_000,
};

async function ours(size: Size): Promise<Measured> {
  const system = await startMeasured({ processes: { api: 1 }, properties: nothingFallsDue });
  try {
    const api = system.app('api');
    const batches = Array.from({ length: batchesOf(size) }, (_, batch) =>
      JSON.stringify({
        notifications: Array.from({ length: batchSize }, (_, index) => mailNotification(batch * batchSize + index)),
      }),
    );
    const producer = new Producer(api.url, inFlight);
    await producer.postAll(batches.splice(0, inFlight)); // these requests are not measured, because code is compiled and connections are opened meanwhile
    const costs = cpuCosts({ Node: api.child.pid ?? 0, Redis: system.redis.pid });
    const startedAt = performance.now();
    await producer.postAll(batches);
    const seconds = (performance.now() - startedAt) / 1000;
    const count = batches.length * batchSize;
    const spent = costs(count);
    await producer.close();
    const lost = (batches.length + inFlight) * batchSize - (await waiting(system.redis.url));
    return { value: count / seconds, lost, duplicated: 0, costs: spent };
  } finally {
    await end(system, system.all('api'));
  }
}

/** How many notifications wait in windows. */
export async function waiting(redisUrl: string): Promise<number> {
  const redis = new Redis(redisUrl);
  const groups = await redis.keys('{pns:*}:due');
  const counts = await Promise.all(groups.map((key) => redis.zcard(key)));
  redis.disconnect();
  return counts.reduce((sum, count) => sum + count, 0);
}

const baseline = (size: Size): Promise<Measured> =>
  withRedis(({ url: redisUrl, pid: redisPid }) =>
    runBaseline('add-bulk', { redisUrl, redisPid, batches: batchesOf(size), batchSize }),
  );

/** Accepting batches over HTTP, compared with adding delayed jobs to BullMQ without HTTP. */
export const ingest: Scenario = { name: 'ingest', unit: 'notifications/s', ours, baseline, goals: [{ atLeast: 1.5 }] };
