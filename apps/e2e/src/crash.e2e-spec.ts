import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '@pns/local-servers/waiting';
import { KeySpace } from '@pns/redis';
import type { WebhookArrivalView } from '@pns/sandbox';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import type { AppName } from './app-process';
import { System } from './system';

let system: System;

beforeAll(async () => {
  system = await System.start({ isDurable: false, processes: { 'worker-websocket': 0 } });
});

afterAll(() => system?.stop());

/** A user whose notifications arrive at a webhook of the sandbox. */
interface Subscriber {
  readonly context: number;
  readonly user: number;
  readonly box: string;
}

async function subscriber(user: number, box = `box-${user}`): Promise<Subscriber> {
  await system.subscribe({ context: 1, user }, box);
  return { context: 1, user, box };
}

/** Posts `count` different notifications to `user` until all are accepted, and returns their ids. */
async function post({ context, user }: Subscriber, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `${user}-${index}`);
  for (let at = 0; at < count; at += 500) {
    const notifications = ids.slice(at, at + 500).map((id) => ({ context, user, topic: 'ox:test', payload: { id } }));
    await postUntilAccepted({ notifications });
  }
  return ids;
}

/** Posts a request until it is accepted. Like a producer, it repeats the request after a 503: PNS then accepted nothing. */
async function postUntilAccepted(body: object): Promise<void> {
  await eventually('the notifications are accepted', async () => {
    const { status } = await system.request('POST', '/v1/notifications', body);
    expect([202, 503]).toContain(status);
    return status === 202;
  });
}

function idsOf(arrivals: readonly WebhookArrivalView[]): Set<string> {
  return new Set(arrivals.map(({ body }) => (JSON.parse(body) as { payload: { id: string } }).payload.id));
}

async function misbehave({ box }: Subscriber, fault: object): Promise<void> {
  const response = await fetch(`${system.sandbox.url}/webhooks/${box}/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fault),
  });
  expect(response.status).toBe(200);
}

async function replace(name: AppName): Promise<void> {
  await system.app(name).kill();
  await system.add(name);
}

/** Waits until `ids.length` notifications have arrived at the subscriber's webhook; fails unless they have these ids. */
async function expectAll({ box }: Subscriber, ids: readonly string[]): Promise<void> {
  expect(idsOf(await system.arrivalsOf(ids.length, box, 90_000))).toEqual(new Set(ids));
}

/** Runs `act` while no dispatcher can look up the recipients of a batch. */
async function whileSubscriptionsAreHeld(act: () => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: system.databaseUrl });
  await client.connect();
  try {
    await client.query('BEGIN; LOCK TABLE subscriptions IN ACCESS EXCLUSIVE MODE');
    await act();
  } finally {
    await client.end();
  }
}

/** The number of batches of the user's shard that are taken and not settled. */
async function unsettledBatches({ context, user }: Subscriber): Promise<number> {
  const keys = new KeySpace(8);
  const redis = new Redis(system.redis.url);
  const count = await redis.zcard(`${keys.group(keys.shardOf(context, user))}:batches`);
  await redis.quit();
  return count;
}

describe('accepted notifications arrive although', () => {
  it('the API is killed right after its 202', async () => {
    const user = await subscriber(1);
    const ids = await post(user, 500);
    await replace('api');
    await expectAll(user, ids);
  });

  it('the dispatcher is killed during a batch', async () => {
    const user = await subscriber(2);
    let ids: string[] = [];
    await whileSubscriptionsAreHeld(async () => {
      ids = await post(user, 3000);
      await eventually('a batch is taken', async () => (await unsettledBatches(user)) > 0);
      await system.app('dispatcher').kill();
    });
    expect(await unsettledBatches(user)).toBe(1); // the windows of a user are in one batch at a time
    expect((await system.arrivals(user.box)).total).toBe(0);
    await system.add('dispatcher');
    await expectAll(user, ids);
    await eventually('all batches are settled', async () => (await unsettledBatches(user)) === 0);
  });

  it('the worker is killed during a delivery, and only deliveries in flight arrive twice', async () => {
    const user = await subscriber(3);
    await misbehave(user, { delayMs: 50 }); // ten connections then send two hundred events a second
    const ids = await post(user, 1000);
    await system.arrivalsOf(300, user.box);
    await system.app('worker-webhook').kill();
    await misbehave(user, {});
    await system.add('worker-webhook');
    await expectAll(user, ids);
    expect((await system.arrivals(user.box)).duplicates).toBeLessThan(50);
  });

  it('Redis is killed while the notifications wait', async () => {
    const user = await subscriber(4);
    const ids = await post(user, 500);
    await system.crashRedis();
    await expectAll(user, ids);
  });

  it('every process is killed in turn while ten thousand are posted', async () => {
    const users = await Promise.all(Array.from({ length: 20 }, (_, index) => subscriber(100 + index, 'chaos')));
    const ids: string[] = [];
    const chaos: (() => Promise<unknown>)[] = [
      () => replace('dispatcher'),
      () => replace('worker-webhook'),
      () => system.crashRedis(),
      () => replace('api'),
      () => replace('dispatcher'),
    ];
    for (const [index, user] of users.entries()) {
      ids.push(...(await post(user, 500)));
      if (index % 4 === 3) await chaos[(index - 3) / 4]?.();
      else await pause(100);
    }
    expect(new Set(ids).size).toBe(10_000);
    await expectAll({ context: 1, user: 100, box: 'chaos' }, ids);
  }, 240_000);
});
