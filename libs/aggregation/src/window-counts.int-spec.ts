import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { itemOf, type Notification } from '@pns/notifications';
import { connectRedis, KeySpace } from '@pns/redis';
import { windowKey } from './window-key';
import { Windows } from './windows';

const delayMs = 1000;

const redis = connectRedis(testRedisUrl());
afterAll(() => redis.quit());

function entry(topic: string) {
  const notification: Notification = {
    id: 'n',
    context: 1,
    user: 14,
    topic,
    payload: {},
    priority: 'high',
    timestamp: 0,
  };
  const wait = { mode: 'equal', delayMs, maxDelayMs: 10_000, idempotencyKey: '', retentionMs: 1000 };
  return { key: windowKey('equal', notification), item: itemOf(notification), ...wait };
}

it('windows of all shards are counted by state', async () => {
  const time = { now: 1_000_000 };
  const windows = new Windows(redis, new KeySpace(2, freshPrefix()), () => time.now);
  const join = (at: number, ...topics: string[]) => windows.join(at, topics.map(entry), 500, 'x');
  expect(await windows.counts()).toEqual({ waiting: 0, due: 0, taken: 0, oldestDueMs: 0 });
  await join(0, 'a', 'b', 'c');
  time.now += 10;
  await join(1, 'a', 'b');
  expect(await windows.counts()).toEqual({ waiting: 5, due: 0, taken: 0, oldestDueMs: 0 });
  time.now += delayMs;
  const batch = await windows.take(0, 'job', 'me', 2);
  time.now += 100;
  await join(1, 'c');
  expect(await windows.counts()).toEqual({ waiting: 1, due: 3, taken: 2, oldestDueMs: 110 });
  await windows.settle(batch);
  await windows.settle(await windows.take(0, 'next', 'me', 2));
  expect(await windows.counts()).toEqual({ waiting: 1, due: 2, taken: 0, oldestDueMs: 100 });
});
