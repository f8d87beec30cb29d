import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { deliveryQueue, maxCharactersPerJob, Queues, type DeliveryJob } from '@pns/queue';
import { connectRedis, KeySpace } from '@pns/redis';
import type { Delivery } from '@pns/transport-contract';
import { enqueueDeliveries } from './enqueue-deliveries';

const queues = new Queues(connectRedis(testRedisUrl()), new KeySpace(1, freshPrefix()));
const ref = { group: queues.keys.group(0), name: deliveryQueue('apns') };

afterAll(() => queues.onApplicationShutdown());

const sent = (payloads: readonly object[]): Delivery[] =>
  payloads.map((payload, index) => ({
    ...{ id: `d${index}`, notificationId: 'n', context: 1, user: 14, client: 'app', transport: 'apns', token: 'aa' },
    ...{
      topic: 'ox:mail:new',
      payload: { ...payload },
      priority: 'high',
      count: 1,
      timestamp: 1,
      dueAt: 1,
      attempt: 1,
    },
  }));

const text = (length: number) => ({ text: 'x'.repeat(length) });

it.each([
  ['short payloads', Array.from({ length: 250 }, () => text(10)), [50, 100, 100]],
  ['the longest payloads', Array.from({ length: 20 }, () => text(65_000)), [4, 8, 8]],
  [
    'the longest payloads, of escapes',
    Array.from({ length: 20 }, () => ({ text: '\u0001'.repeat(10_900) })),
    [4, 8, 8],
  ],
  ['the longest payloads, in lists', Array.from({ length: 20 }, () => ({ list: ['x'.repeat(65_000)] })), [4, 8, 8]],
  ['a few long payloads', [...Array.from({ length: 98 }, () => text(10)), text(65_000), text(65_000)], [100]],
])('a job has a limited number of deliveries and of characters: %s', async (name, payloads, expected) => {
  const deliveries = sent(payloads);
  await enqueueDeliveries(queues, [{ ...ref, endpoint: name, deliveries }], { round: name });
  const jobs = (await queues.queue<DeliveryJob>(ref.group, ref.name).getJobs()).filter(
    (job) => job.data.endpoint === name,
  );
  expect(jobs.map(({ data }) => data.deliveries.length).sort((one, other) => one - other)).toEqual(expected);
  expect(new Set(jobs.flatMap(({ data }) => data.deliveries.map(({ id }) => id))).size).toBe(deliveries.length);
  for (const { data } of jobs) {
    expect(JSON.stringify(data.deliveries.map(({ payload }) => payload)).length).toBeLessThan(
      maxCharactersPerJob + 1000,
    );
  }
});
