import { EventEmitter, once } from 'node:events';
import { cuttableLink, type CuttableLink, freshPrefix, testRedisUrl } from '@pns/local-servers';
import { connectRedis, KeySpace, waitingCopy } from '@pns/redis';
import { Queues } from './queues.service';

describe('when Redis is away', () => {
  it.each([
    ['a connection', (url: string) => connectRedis(url)],
    [
      'a copy of one',
      (url: string) => {
        const original = connectRedis(url, { failFast: true });
        original.disconnect();
        return waitingCopy(original);
      },
    ],
  ])('%s ends on disconnect', async (_, connect) => {
    const link = await cuttableLink(testRedisUrl());
    const redis = connect(link.url);
    await once(redis, 'ready');
    link.cut();
    await once(redis, 'reconnecting');
    const ended = once(redis, 'end');
    redis.disconnect();
    await ended;
    await link.close();
  });

  it('a closed connection starts no timer when it is reconnected', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;
    const link = await cuttableLink(testRedisUrl());
    const redis = connectRedis(link.url);
    await once(redis, 'ready');
    link.cut();
    await once(redis, 'reconnecting');
    const before = timers();
    redis.disconnect(true); // ioredis does this when a command that was in progress fails
    expect(timers()).toBe(before);
    redis.disconnect();
    await link.close();
  });

  it('a connection rejects the commands that were in progress when it was lost, on disconnect', async () => {
    const link = await cuttableLink(testRedisUrl());
    const redis = connectRedis(link.url);
    await once(redis, 'ready');
    const underWay = redis.blpop(freshPrefix(), 0);
    link.cut();
    await new Promise((resolve) => redis.once('connecting', () => resolve(undefined)));
    redis.disconnect();
    await expect(underWay).rejects.toThrow('Connection is closed.');
    await link.close();
  });

  it('a closing worker is closed when Redis is back', async () => {
    const link = await cuttableLink(testRedisUrl());
    const queues = new Queues(connectRedis(link.url), new KeySpace(1, freshPrefix()));
    const worker = queues.worker(queues.keys.group(0), 'any', () => Promise.resolve());
    await worker.waitUntilReady();
    const away = new Promise((resolve) => worker.once('ioredis:close', () => resolve(undefined)));
    link.cut();
    await away;
    const closing = worker.close();
    link.mend();
    await closing;
    await queues.onApplicationShutdown();
    await link.close();
  });

  it.each([
    ['refuses connections', (link: CuttableLink) => link.cut()],
    ['answers nothing', (link: CuttableLink) => link.swallow()],
  ])('a process that stops ends in time with a job in progress, when Redis %s', async (_, part) => {
    const link = await cuttableLink(testRedisUrl());
    const queues = new Queues(connectRedis(link.url), new KeySpace(1, freshPrefix()));
    const hand = new EventEmitter();
    const taken = once(hand, 'taken');
    const worker = queues.worker(queues.keys.group(0), 'any', async () => {
      hand.emit('taken');
      await once(hand, 'done');
    });
    await queues.queue(queues.keys.group(0), 'any').add('any', {});
    await taken;
    part(link);
    queues.onModuleDestroy();
    const closing = worker.close();
    hand.emit('done');
    await closing;
    await queues.onApplicationShutdown();
    await link.close();
  });

  it('a process that stops ends in time when BullMQ has begun to reconnect', async () => {
    const link = await cuttableLink(testRedisUrl());
    const queues = new Queues(connectRedis(link.url), new KeySpace(1, freshPrefix()));
    const worker = queues.worker(queues.keys.group(0), 'any', () => Promise.resolve());
    await worker.waitUntilReady();
    // The test waits for fixed times, because BullMQ emits no event when it begins to ask for jobs, nor when it tests its
    // connection six seconds later.
    await new Promise((resolve) => setTimeout(resolve, 500));
    link.cut();
    await new Promise((resolve) => setTimeout(resolve, 7000));
    queues.onModuleDestroy();
    await worker.close();
    await queues.onApplicationShutdown();
    await link.close();
  });
});
