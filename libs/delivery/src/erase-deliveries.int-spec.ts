import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { Queues, type DeliveryJob } from '@pns/queue';
import { connectRedis, KeySpace } from '@pns/redis';
import type { Delivery } from '@pns/transport-contract';
import { eraseDeliveries } from './erase-deliveries';
import { enqueueDeliveries } from './enqueue-deliveries';

const queues = new Queues(connectRedis(testRedisUrl()), new KeySpace(1, freshPrefix()));
const ref = { group: queues.keys.group(0), name: 'webhook' };

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
