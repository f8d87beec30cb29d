import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freshPrefix, startRedisCluster, type LocalRedisCluster } from '@pns/local-servers';
import { connectRedis, KeySpace, waitingCopy, publish, scanKeys, subscriberOf, type RedisClient } from '@pns/redis';
import { Queues } from './queues.service';

let folder: string;
let cluster: LocalRedisCluster;
const keys = new KeySpace(16, freshPrefix());
const open: { disconnect(): void }[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pns-cluster-'));
  cluster = await startRedisCluster({ dataDir: folder, isDurable: false });
});

afterEach(() => open.splice(0).forEach((connection) => connection.disconnect()));

afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function connected(failFast = false): Promise<RedisClient> {
  const redis = connectRedis(cluster.url, { failFast });
  open.push(redis);
  if (redis.status !== 'ready') await once(redis, 'ready');
  return redis;
}

/** Like `once` of Node, but an `error` event of a failed attempt to connect does not reject. */
function once(source: NodeJS.EventEmitter, name: string): Promise<unknown[]> {
  return new Promise((resolve) => source.once(name, (...args: unknown[]) => resolve(args)));
}

/** The index of the master that has a key. */
async function masterOf(redis: RedisClient, key: string): Promise<number> {
  const slot = Number(await redis.cluster('KEYSLOT', key));
  return Math.floor(slot / (16_384 / 3));
}

it('spreads sixteen shards over all masters', async () => {
  const redis = await connected();
  const shards = new KeySpace(16);
  const owners = await Promise.all(shards.all().map((shard) => masterOf(redis, shards.group(shard))));
  const perMaster = [0, 1, 2].map((master) => owners.filter((owner) => owner === master).length);
  expect(Math.min(...perMaster)).toBeGreaterThanOrEqual(4);
});

it('finds the keys of all shards, and rejects when a master is unreachable', async () => {
  const redis = await connected(true);
  const written = keys.all().map((shard) => `${keys.group(shard)}:thing:${shard}`);
  await Promise.all(written.map((key) => redis.set(key, '1')));
  const found = async (): Promise<string[]> => {
    const all: string[] = [];
    for await (const some of scanKeys(redis, keys, ':thing:*')) all.push(...some);
    return all.sort();
  };
  await expect(found()).resolves.toEqual(written.sort());
  await cluster.crash(1, async () => void (await expect(found()).rejects.toThrow()));
});

it('runs jobs of every shard, including those of a master that was killed meanwhile', async () => {
  const queues = new Queues(await connected(), keys);
  const done = new Set<string>();
  let tellAll: () => void;
  const all = new Promise<void>((resolve) => (tellAll = resolve));
  const workers = keys.all().map((shard) =>
    queues.worker<number>(keys.group(shard), 'any', (job) => {
      done.add(`${shard}:${job.data}`);
      if (done.size === 2 * keys.shards) tellAll();
      return Promise.resolve();
    }),
  );
  const add = (number: number) =>
    Promise.all(keys.all().map((shard) => queues.queue<number>(keys.group(shard), 'any').add('one', number)));
  await add(1);
  let adding: Promise<unknown> = Promise.resolve();
  await cluster.crash(0, () => {
    adding = add(2); // this call waits until the master is back
    return Promise.resolve();
  });
  await adding;
  await all;
  await Promise.all(workers.map((worker) => worker.close()));
  await queues.onApplicationShutdown();
});

it.each([0, 1, 2])('receives messages again when the master of the channel is back (%s)', async (index) => {
  const redis = await connected();
  const names = Array.from({ length: 100 }, (_, number) => keys.global(`channel-${number}`));
  const owners = await Promise.all(names.map((name) => masterOf(redis, name)));
  const channel = names[owners.indexOf(index)] as string;
  const subscriber = subscriberOf(redis, channel);
  open.push(subscriber);
  const hears = async (text: string): Promise<void> => {
    const heard = once(subscriber, 'message');
    await publish(redis, channel, text);
    await expect(heard).resolves.toEqual([channel, text]);
  };
  await subscriber.listen();
  await hears('before');
  const isBack = once(subscriber, 'ready'); // announcements may have been lost before it
  await cluster.crash(index);
  await isBack;
  await subscriber.listen();
  await hears('after');
});

it('with failFast, rejects commands while the master is away; otherwise keeps them', async () => {
  const redis = await connected(true);
  const key = keys.global('some');
  const waiting = waitingCopy(redis);
  open.push(waiting);
  let writing: Promise<unknown> = Promise.resolve();
  await cluster.crash(await masterOf(redis, key), async () => {
    await expect(redis.set(key, 'lost')).rejects.toThrow();
    writing = waiting.set(key, 'kept');
  });
  await writing;
  await expect(waiting.get(key)).resolves.toBe('kept');
});

it('ends on disconnect while all masters are away', async () => {
  const redis = await connected();
  await Promise.all(keys.all().map((shard) => redis.exists(keys.group(shard)))); // opens a connection to each master
  const away = once(redis, 'reconnecting');
  const ended = once(redis, 'end');
  await cluster.crash(0, () =>
    cluster.crash(1, () =>
      cluster.crash(2, async () => {
        await away;
        redis.disconnect();
        await ended;
      }),
    ),
  );
});
