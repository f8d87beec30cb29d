import { apiKey } from '@pns/e2e';
import { Redis } from 'ioredis';
import { withBaseline } from '../baseline-process';
import { cpuCosts } from '../cpu';
import { mailNotification } from '../notifications';
import { Producer } from '../producer';
import { end } from '../profile';
import type { Measured, Scenario, Size } from '../scenario';
import { startMeasured, withRedis } from '../servers';
import { nothingFallsDue, waiting } from './ingest';

const connections = 100;
const requestsOf = (size: Size): number => (size === 'full' ? 60_000 : 12_000);
/** Requests before the measurement, in which code is compiled and connections are opened. */
const warmUpRequests = 3000;

async function ours(size: Size): Promise<Measured> {
  const system = await startMeasured({ processes: { api: 1 }, properties: nothingFallsDue });
  try {
    const { url, child } = system.app('api');
    return await measured(size, url, child.pid ?? 0, system.redis.pid, () => waiting(system.redis.url));
  } finally {
    await end(system, system.all('api'));
  }
}

const baseline = (size: Size): Promise<Measured> =>
  withRedis(({ url: redisUrl, pid: redisPid }) =>
    withBaseline<{ url: string }, Measured>('nest-queue', { redisUrl, apiKey, delayMs: 3_600_000 }, ({ answer, pid }) =>
      measured(size, answer.url, pid, redisPid, () =>
        counted(redisUrl, (redis) => redis.zcard('bull:notifications:delayed')),
      ),
    ),
  );

const list = 'notifications';

const limit = (size: Size): Promise<Measured> =>
  withRedis(({ url: redisUrl, pid: redisPid }) =>
    withBaseline<{ url: string }, Measured>('nest-queue', { redisUrl, apiKey, delayMs: 0, list }, ({ answer, pid }) =>
      measured(size, answer.url, pid, redisPid, () => counted(redisUrl, (redis) => redis.llen(list))),
    ),
  );

/** Posts requests with one notification each to a side; `taken` counts the notifications in Redis at the end. */
async function measured(
  size: Size,
  url: string,
  pid: number,
  redisPid: number,
  taken: () => Promise<number>,
): Promise<Measured> {
  const count = requestsOf(size);
  const bodies = Array.from({ length: warmUpRequests + count }, (_, index) => JSON.stringify(mailNotification(index)));
  const producer = new Producer(url, connections);
  await producer.postAll(bodies.splice(0, warmUpRequests));
  const costs = cpuCosts({ Node: pid, Redis: redisPid });
  const startedAt = performance.now();
  await producer.postAll(bodies);
  const seconds = (performance.now() - startedAt) / 1000;
  const spent = costs(count);
  await producer.close();
  return { value: count / seconds, lost: warmUpRequests + count - (await taken()), duplicated: 0, costs: spent };
}

async function counted(redisUrl: string, count: (redis: Redis) => Promise<number>): Promise<number> {
  const redis = new Redis(redisUrl);
  const number = await count(redis);
  redis.disconnect();
  return number;
}

/** One notification in each request, as the simplest producers send them. */
export const ingestSingle: Scenario = {
  name: 'ingest-single',
  unit: 'requests/s',
  ours,
  baseline,
  limit,
  goals: [{ atLeast: 1.5 }],
};
