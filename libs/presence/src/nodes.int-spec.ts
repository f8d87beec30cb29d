import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { connectRedis, KeySpace, type RedisClient } from '@pns/queue';
import { SocketNodes } from './nodes';

let redis: RedisClient;
let nodes: SocketNodes;
let now: number;

beforeEach(() => {
  redis = connectRedis(testRedisUrl());
  now = 1_700_000_000_000;
  const times = { deadAfter: 5000, adoptionLapses: 5000, deadForgotten: 300_000 };
  nodes = new SocketNodes(redis, new KeySpace(4, freshPrefix()), () => now, times);
});
afterEach(() => redis.disconnect());

const alive = { isTakenForDead: false, adopted: [] };

describe('socket nodes', () => {
  it('are alive while they beat', async () => {
    for (let second = 0; second < 10; second++) {
      await expect(nodes.beat('a')).resolves.toEqual(alive);
      await expect(nodes.beat('b')).resolves.toEqual(alive);
      now += 4000;
    }
    await expect(nodes.dead()).resolves.toEqual([]);
  });

  it('are dead after five seconds of silence, and one other adopts their queue', async () => {
    await nodes.beat('a');
    now += 4999;
    await expect(nodes.beat('b')).resolves.toEqual(alive);
    now += 1;
    await expect(nodes.beat('b')).resolves.toEqual({ ...alive, adopted: ['a'] });
    await expect(nodes.beat('c')).resolves.toEqual(alive);
    await expect(nodes.beat('b')).resolves.toEqual({ ...alive, adopted: ['a'] });
    await expect(nodes.dead()).resolves.toEqual(['a']);
  });

  it('adopt what a dead adopter had adopted', async () => {
    await nodes.beat('a');
    now += 5000;
    await nodes.beat('b');
    now += 5001;
    const { adopted } = await nodes.beat('c');
    expect([...adopted].sort()).toEqual(['a', 'b']);
  });

  it('learn that they were taken for dead until they say that they are not', async () => {
    await nodes.beat('a');
    now += 5000;
    await nodes.beat('b');
    await expect(nodes.beat('a')).resolves.toEqual({ isTakenForDead: true, adopted: [] });
    await nodes.revive('a');
    await expect(nodes.beat('a')).resolves.toEqual(alive);
    await expect(nodes.beat('b')).resolves.toEqual(alive);
    await expect(nodes.dead()).resolves.toEqual([]);
  });

  it('can retire instead of falling silent', async () => {
    await nodes.beat('a');
    await nodes.retire('a');
    await expect(nodes.beat('b')).resolves.toEqual({ ...alive, adopted: ['a'] });
  });

  it('are remembered as dead for five minutes after their queue is empty', async () => {
    await nodes.beat('a');
    await nodes.retire('a');
    await nodes.beat('b');
    await nodes.emptied('a');
    now += 300_000;
    await expect(nodes.beat('b')).resolves.toEqual(alive);
    await expect(nodes.dead()).resolves.toEqual(['a']);
    now += 1;
    await nodes.beat('b');
    await expect(nodes.dead()).resolves.toEqual([]);
  });

  it('go by the clock of Redis', async () => {
    const real = new SocketNodes(redis, new KeySpace(4, freshPrefix()));
    await real.beat('a');
    await expect(real.beat('b')).resolves.toEqual(alive);
  });
});
