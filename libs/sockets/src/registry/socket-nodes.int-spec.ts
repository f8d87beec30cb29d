import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { connectRedis, KeySpace, type RedisClient } from '@pns/redis';
import { SocketNodes } from './socket-nodes';

let redis: RedisClient;
let nodes: SocketNodes;
let now: number;

beforeEach(() => {
  redis = connectRedis(testRedisUrl());
  now = 1_700_000_000_000;
  const times = { deadAfter: 5000, takeOverLapses: 5000, deadForgotten: 300_000 };
  nodes = new SocketNodes(redis, new KeySpace(4, freshPrefix()), () => now, times);
});
afterEach(() => redis.disconnect());

const alive = { isTakenForDead: false, takenOver: [] };

/** Lets `ms` pass, while the node `living` sends a heartbeat every second. */
async function pass(ms: number, living: string): Promise<void> {
  for (let left = ms; left > 0; left -= 1000) {
    await nodes.heartbeat(living);
    now += Math.min(1000, left);
  }
}

describe('socket nodes', () => {
  it('are alive while they send heartbeats', async () => {
    for (let second = 0; second < 10; second++) {
      await expect(nodes.heartbeat('a')).resolves.toEqual(alive);
      await expect(nodes.heartbeat('b')).resolves.toEqual(alive);
      await pass(4000, 'b');
    }
    await expect(nodes.dead()).resolves.toEqual([]);
  });

  it('are dead after five seconds without a heartbeat, and one other node takes over their queue', async () => {
    await nodes.heartbeat('a');
    await pass(4999, 'b');
    await expect(nodes.heartbeat('b')).resolves.toEqual(alive);
    now += 1;
    await expect(nodes.heartbeat('b')).resolves.toEqual({ ...alive, takenOver: ['a'] });
    await expect(nodes.heartbeat('c')).resolves.toEqual(alive);
    await expect(nodes.heartbeat('b')).resolves.toEqual({ ...alive, takenOver: ['a'] });
    await expect(nodes.dead()).resolves.toEqual(['a']);
  });

  it('take over the queues that a dead node had taken over', async () => {
    await nodes.heartbeat('a');
    await pass(5000, 'b');
    await nodes.heartbeat('b');
    await pass(5001, 'c');
    const { takenOver } = await nodes.heartbeat('c');
    expect([...takenOver].sort()).toEqual(['a', 'b']);
  });

  it('receive the answer that they are dead until they are registered again', async () => {
    await nodes.heartbeat('a');
    await pass(5000, 'b');
    await nodes.heartbeat('b');
    await expect(nodes.heartbeat('a')).resolves.toEqual({ isTakenForDead: true, takenOver: [] });
    await nodes.revive('a');
    await expect(nodes.heartbeat('a')).resolves.toEqual(alive);
    await expect(nodes.heartbeat('b')).resolves.toEqual(alive);
    await expect(nodes.dead()).resolves.toEqual([]);
  });

  it('do not die when Redis is unavailable, and have the full time again afterwards', async () => {
    await nodes.heartbeat('a');
    await nodes.heartbeat('b');
    now += 15_000;
    await expect(nodes.heartbeat('b')).resolves.toEqual(alive);
    await pass(4999, 'b');
    await expect(nodes.heartbeat('b')).resolves.toEqual(alive);
    now += 1;
    await expect(nodes.heartbeat('b')).resolves.toEqual({ ...alive, takenOver: ['a'] });
  });

  it('can retire instead of stopping their heartbeats', async () => {
    await nodes.heartbeat('a');
    await nodes.retire('a');
    await expect(nodes.heartbeat('b')).resolves.toEqual({ ...alive, takenOver: ['a'] });
  });

  it('are known as dead for five minutes after their queue is empty', async () => {
    await nodes.heartbeat('a');
    await nodes.retire('a');
    await nodes.heartbeat('b');
    await nodes.emptied('a');
    now += 300_000;
    await expect(nodes.heartbeat('b')).resolves.toEqual(alive);
    await expect(nodes.dead()).resolves.toEqual(['a']);
    now += 1;
    await nodes.heartbeat('b');
    await expect(nodes.dead()).resolves.toEqual([]);
  });

  it('use the clock of Redis', async () => {
    const real = new SocketNodes(redis, new KeySpace(4, freshPrefix()));
    await real.heartbeat('a');
    await expect(real.heartbeat('b')).resolves.toEqual(alive);
  });
});
