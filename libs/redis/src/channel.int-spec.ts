import { once } from 'node:events';
import { cuttableLink, freshPrefix, testRedisUrl, type CuttableLink } from '@pns/local-servers';
import { Redis } from 'ioredis';
import { Subscriber } from './channel';

describe.each([
  ['a channel', false],
  ['a sharded channel', true],
])('a subscriber of %s', (_, isSharded) => {
  const channel = freshPrefix();
  const publisher = new Redis(testRedisUrl());
  const publish = (text: string) => (isSharded ? publisher.spublish(channel, text) : publisher.publish(channel, text));

  let link: CuttableLink;
  let subscriber: Subscriber;

  beforeEach(async () => {
    link = await cuttableLink(testRedisUrl());
    const { hostname, port } = new URL(link.url);
    subscriber = new Subscriber({ host: hostname, port: Number(port) }, channel, isSharded);
    await subscriber.listen();
  });

  afterEach(async () => {
    subscriber.disconnect();
    await link.close();
  });

  afterAll(() => publisher.quit());

  it('has another connection within three seconds when its connection dies without an error', async () => {
    const isBack = once(subscriber, 'ready');
    link.swallow();
    const from = Date.now();
    await publish('lost');
    await isBack;
    expect(Date.now() - from).toBeLessThan(10_000); // 3 s, and time for a busy machine
    await subscriber.listen();
    const heard = once(subscriber, 'message');
    await publish('heard');
    await expect(heard).resolves.toEqual([channel, 'heard']);
  });

  it('keeps a connection without messages', async () => {
    const lost = jest.fn();
    subscriber.on('close', lost);
    for (let answers = 0; answers < 4; answers++) await once(subscriber.stream, 'data');
    expect(lost).not.toHaveBeenCalled();
  });
});
