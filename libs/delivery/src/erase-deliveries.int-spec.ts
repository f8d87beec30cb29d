import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { Queues, type DeliveryJob } from '@pns/queue';
import { connectRedis, KeySpace } from '@pns/redis';
import { log } from '@pns/runtime';
import type { Delivery } from '@pns/transport-contract';
import { eraseDeliveries } from './erase-deliveries';
import { enqueueDeliveries } from './enqueue-deliveries';

const queues = new Queues(connectRedis(testRedisUrl()), new KeySpace(1, freshPrefix()));
const ref = { group: queues.keys.group(0), name: 'webhook' };

afterEach(async () => {
  jest.restoreAllMocks();
  await queues.queue(ref.group, ref.name).obliterate({ force: true });
});

afterAll(() => queues.onApplicationShutdown());

function delivery(user: number, index: number): Delivery {
  return {
    id: `${user}-${index}`,
    notificationId: 'n',
    context: 1,
    user,
    client: 'hook',
    transport: 'webhook',
    token: 'https://example.com/',
    topic: 'ox:mail:new',
    // Values that a JSON round trip in Lua would change.
    payload: { empty: [], big: 9_007_199_254_740_991, odd: '\ud800\0ä', tiny: 1e-9 },
    priority: 'high',
    count: 1,
    timestamp: 1,
    dueAt: 1,
    attempt: 1,
  };
}

it('deliveries of many users who are erased at once are removed from a shared job, and the others are unchanged', async () => {
  const users = Array.from({ length: 20 }, (_, index) => index + 1);
  const deliveries = users.flatMap((user) => [1, 2, 3, 4, 5].map((index) => delivery(user, index)));
  await enqueueDeliveries(queues, [{ ...ref, endpoint: 'shared', deliveries }]);
  const erase = async (user: number): Promise<void> => {
    while ((await eraseDeliveries(queues, [ref], { context: 1, user })).found > 0);
  };
  await Promise.all(users.slice(1).map(erase));
  const jobs = await queues.queue<DeliveryJob>(ref.group, ref.name).getJobs();
  expect(jobs.map(({ data }) => data)).toEqual([{ v: 1, endpoint: 'shared', deliveries: deliveries.slice(0, 5) }]);
  await erase(1);
  expect(await queues.queue(ref.group, ref.name).getJobs()).toEqual([]);
});

it('hundreds of jobs are searched', async () => {
  const groups = Array.from({ length: 500 }, (_, user) => ({
    ...ref,
    endpoint: `endpoint-${user}`,
    deliveries: [delivery(user + 1, 1), delivery(7000, user)],
  }));
  await enqueueDeliveries(queues, groups, { delayMs: 3_600_000 });
  expect(await eraseDeliveries(queues, [ref], { context: 1, user: 7000 })).toEqual({ found: 500, heldBy: [] });
  expect(await eraseDeliveries(queues, [ref], { context: 1 })).toEqual({ found: 500, heldBy: [] });
  expect(await eraseDeliveries(queues, [ref], { context: 1 })).toEqual({ found: 0, heldBy: [] });
});

it.each([
  ['an unknown format', JSON.stringify({ v: 2, deliveries: [delivery(8000, 1)] })],
  ['no format', 'null'],
  ['no list of deliveries', JSON.stringify({ v: 1, endpoint: 'e' })],
  ['no JSON', '{'],
])('a job with %s is skipped and logged, and the others are searched', async (_, text) => {
  const queue = queues.queue<DeliveryJob>(ref.group, ref.name);
  const odd = await queue.add('odd', { v: 1, endpoint: 'odd', deliveries: [] });
  await queues.redis.hset(queue.toKey(String(odd.id)), 'data', text);
  await enqueueDeliveries(queues, [{ ...ref, endpoint: 'e', deliveries: [delivery(8000, 1)] }]);
  const lines = jest.spyOn(log, 'error').mockReturnValue(undefined);
  expect(await eraseDeliveries(queues, [ref], { context: 1, user: 8000 })).toEqual({ found: 1, heldBy: [] });
  const line = { event: 'erasure.jobs-skipped', queue: 'webhook', jobs: 1, job: odd.id };
  expect(lines.mock.calls).toEqual([[expect.objectContaining(line)]]);
  expect(await queues.redis.hget(queue.toKey(String(odd.id)), 'data')).toBe(text);
});

it('malformed deliveries of the owner are removed, and others stay in their job', async () => {
  const { redis } = queues;
  const queue = queues.queue<DeliveryJob>(ref.group, ref.name);
  const { id } = await queue.add('odd', { v: 1, endpoint: 'odd', deliveries: [] });
  const deliveries = [null, {}, { context: 1, user: 8000 }];
  await redis.hset(queue.toKey(String(id)), 'data', JSON.stringify({ v: 1, endpoint: 'odd', deliveries }));
  expect(await eraseDeliveries(queues, [ref], { context: 1, user: 8000 })).toEqual({ found: 1, heldBy: [] });
  const left = await redis.hget(queue.toKey(String(id)), 'data');
  expect(left).toBe(JSON.stringify({ v: 1, endpoint: 'odd', deliveries: [null, {}] }));
});
