import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { INestApplicationContext } from '@nestjs/common';
import { startRedis, type LocalRedis } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { FailedDeliveryStore } from '@pns/persistence';
import { deliveryQueue, Queues, type DeliveryJob } from '@pns/queue';
import { log } from '@pns/runtime';
import type { Outcome } from '@pns/transport-contract';
import type { Queue } from 'bullmq';
import { deliveryStage, send } from './testing/delivery-stage';
import { FarSide } from './testing/far-side';

log.level = 'silent';

const { worker, close, delivery } = deliveryStage();
const folder = mkdtempSync(join(tmpdir(), 'pns-repeated-jobs-'));
const delivered: Outcome = { kind: 'delivered' };

let redis: LocalRedis;

beforeAll(async () => {
  redis = await startRedis({ dataDir: folder, isDurable: false });
});

afterAll(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true });
});

const start = (farSide: FarSide) => worker(farSide, { redisUrl: redis.url });

function queueOf(app: INestApplicationContext): Queue<DeliveryJob> {
  const queues = app.get(Queues, { strict: false });
  return queues.queue<DeliveryJob>(queues.keys.group(0), deliveryQueue('webhook'));
}

const client = (app: INestApplicationContext) => app.get(Queues, { strict: false }).redis;

/** An endpoint at which one delivery waits until the test releases it. */
function waiting(id: string) {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const farSide = new FarSide(async (each) => {
    if (each.id === id) await released;
    return delivered;
  });
  return { farSide, release };
}

const cameOf = ({ came }: FarSide): string[] => came.map(({ id, attempt }) => `${id} ${attempt}`).sort();

/** Starts a worker with a job of two deliveries in flight, of which the far side holds one. */
async function withJobInFlight(farSide: FarSide) {
  const app = await start(farSide);
  await send(app, [delivery({ id: 'slow' }), delivery({ id: 'quick' })]);
  await farSide.until((came) => came.length === 2);
  const queue = queueOf(app);
  const [id = ''] = await queue.getRanges(['active'], 0, -1);
  return { app, queue, id, lock: queue.toKey(`${id}:lock`) };
}

function untilEmpty(app: INestApplicationContext): Promise<unknown> {
  return eventually('the queue is empty', async () => {
    const counts = await queueOf(app).getJobCounts();
    return Object.values(counts).every((count) => count === 0);
  });
}

it('a job that runs again in a living process is not sent again, and waits for its deliveries in flight', async () => {
  const { farSide, release } = waiting('slow');
  const { app, queue, id, lock } = await withJobInFlight(farSide);
  // Creates the state after an outage of Redis during which the lock expired.
  await client(app).del(lock);
  await client(app).multi().lrem(queue.toKey('active'), 1, id).rpush(queue.toKey('wait'), id).exec();
  await client(app).zadd(queue.toKey('marker'), 0, '0');
  await eventually('the job runs again', async () => Number((await queue.getJob(id))?.attemptsStarted) >= 2);
  release();
  await untilEmpty(app);
  expect(cameOf(farSide)).toEqual(['quick 1', 'slow 1']);
});

it.each([
  ['renews its locks', false],
  ['has ended the job', true],
])(
  'what a worker has sent is not sent again by a third one, if it %s after another one has started the job',
  async (_, isEnded) => {
    const { farSide, release } = waiting('slow');
    const { app, queue, id, lock } = await withJobInFlight(farSide);
    const job = queue.toKey(id);
    await client(app).multi().hincrby(job, 'ats', 1).set(lock, 'of another worker').exec();
    if (isEnded) release();
    const stores = (id: string) =>
      eventually(`the worker stores that ${id} has arrived`, async () =>
        (await client(app).hget(job, 'arrived'))?.split(' ').includes(id),
      );
    await stores('quick');
    release();
    await stores('slow');
    await close(app);
    const next = await start(farSide);
    await client(next).del(lock); // the other worker has died
    await untilEmpty(next);
    expect(cameOf(farSide)).toEqual(['quick 1', 'slow 1']);
    await close(next);
  },
);

it('a delivery that has arrived is not sent again when it is enqueued again, even with other deliveries', async () => {
  const farSide = new FarSide(() => delivered);
  const app = await start(farSide);
  const [first, second] = [delivery({ id: 'first' }), delivery({ id: 'second' })];
  await send(app, [first]);
  await untilEmpty(app);
  await farSide.until((came) => came.length === 1);
  await send(app, [first, second]);
  await farSide.until((came) => came.length === 2);
  await untilEmpty(app);
  expect(cameOf(farSide)).toEqual(['first 1', 'second 1']);
});

it('no attempt is repeated when Redis has no memory for the retry', async () => {
  let fill: () => Promise<unknown> = () => Promise.resolve();
  const farSide = new FarSide(async ({ id, attempt }) => {
    if (id === 'failing' && attempt === 1) await fill();
    return id === 'failing' && attempt === 1 ? { kind: 'retry', reason: 'HTTP 503' } : delivered;
  });
  const app = await start(farSide);
  fill = () => client(app).config('SET', 'maxmemory', '1mb');
  await send(app, [delivery({ id: 'failing' }), delivery({ id: 'fine' })]);
  const queue = queueOf(app);
  await eventually('the job has failed', async () => (await queue.getDelayedCount()) === 1);
  await client(app).config('SET', 'maxmemory', '0');
  await farSide.until((came) => came.length === 3);
  await untilEmpty(app);
  expect(cameOf(farSide)).toEqual(['failing 1', 'failing 2', 'fine 1']);
});

it('a job in progress is not sent twice when Redis is away for longer than its locks are valid', async () => {
  const { farSide, release } = waiting('slow');
  const apps = [await start(farSide), await start(farSide)] as const;
  const [first] = apps;
  const ids = Array.from({ length: 20 }, (_, index) => `d${index}`);
  for (const id of ids) await send(first, [delivery({ id })], `https://${id}.example`);
  await send(first, [delivery({ id: 'slow' }), delivery({ id: 'beside' })]);
  await farSide.until((came) => came.length === ids.length + 2);
  await redis.kill();
  await pause(5000);
  release(); // the job ends while Redis is away
  await pause(7000);
  redis = await startRedis({ dataDir: folder, isDurable: false, port: redis.port });
  await send(first, [delivery({ id: 'after' })]);
  await farSide.until((came) => came.some(({ id }) => id === 'after'));
  await untilEmpty(first);
  expect(cameOf(farSide)).toEqual([...ids, 'slow', 'beside', 'after'].map((id) => `${id} 1`).sort());
  await Promise.all(apps.map(close));
});

describe('a job whose processes died', () => {
  /** Adds a job in the state after several deaths. */
  async function addAfterDeaths(app: INestApplicationContext, ids: readonly string[], deaths: number, tries: object) {
    const queue = queueOf(app);
    await queue.add(
      'deliver',
      { v: 1, endpoint: 'https://example.com', deliveries: ids.map((id) => delivery({ id })) },
      { jobId: 'deadly', delay: 3_600_000 },
    );
    const progress = JSON.stringify({ arrived: ['was sent'], ended: {}, tries });
    await client(app).hset(queue.toKey('deadly'), { stc: deaths, progress });
    await (await queue.getJob('deadly'))?.promote();
  }

  it('is sent a few deliveries at a time, and the delivery that kills processes ends as exhausted', async () => {
    const written: Promise<string | null>[] = [];
    let [underWay, most] = [0, 0];
    const farSide = new FarSide(async () => {
      most = Math.max(most, ++underWay);
      written.push(client(app).hget(queueOf(app).toKey('deadly'), 'progress'));
      await pause(5);
      underWay--;
      return delivered;
    });
    const app = await start(farSide);
    const ids = Array.from({ length: 30 }, (_, index) => `d${index}`);
    const error = jest.spyOn(log, 'error');
    await addAfterDeaths(app, ['was sent', 'killer', 'suspect', ...ids], 3, { killer: 2, suspect: 1 });
    const failed = await eventually('killer is stored as failed', () =>
      app.get(FailedDeliveryStore, { strict: false }).get('killer'),
    );
    expect(failed).toMatchObject({ outcome: 'exhausted', delivery: { attempt: 1 } });
    await untilEmpty(app);
    expect(cameOf(farSide)).toEqual([...ids, 'suspect'].map((id) => `${id} 1`).sort());
    expect(most).toBe(10);
    expect(farSide.came.at(-1)?.id).toBe('suspect');
    // The attempt was stored in Redis before it was made.
    expect(await written.at(-1)).toMatch(/"suspect":2/);
    expect(error.mock.calls.map(([line]) => line)).toEqual([
      expect.objectContaining({ event: 'delivery.exhausted', delivery: 'killer', attempts: 1 }),
    ]);
    error.mockRestore();
  });

  it('is sent by another process after two deaths, and the delivery that kills that process ends as exhausted', async () => {
    const farSide = new FarSide(() => delivered);
    const app = await worker(farSide, { redisUrl: redis.url, isolatedEntry: join(__dirname, 'testing', 'sender.cjs') });
    const ids = Array.from({ length: 24 }, (_, index) => `d${index}`);
    const deadly = ['dies of itself', 'exits of itself'];
    const error = jest.spyOn(log, 'error');
    // The two deaths that an earlier version has stored for `d3` are not counted.
    await addAfterDeaths(app, [...ids.slice(0, 12), ...deadly, ...ids.slice(12)], 2, { d3: 2 });
    const store = app.get(FailedDeliveryStore, { strict: false });
    for (const id of deadly) {
      expect(await eventually(`${id} is stored as failed`, () => store.get(id))).toMatchObject({
        outcome: 'exhausted',
        reason: expect.stringMatching(/died 5 times, .* only this delivery: it ended with /) as string,
        delivery: { attempt: 1 },
      });
    }
    await untilEmpty(app);
    expect(farSide.came).toEqual([]);
    for (const id of ids) expect(await store.get(id)).toBeUndefined();
    expect(error.mock.calls.map(([line]) => line)).toEqual(
      deadly.map((id) => expect.objectContaining({ event: 'delivery.exhausted', delivery: id }) as unknown),
    );
    error.mockRestore();
  });

  it('waits for a process that can start, and no delivery fails meanwhile', async () => {
    const farSide = new FarSide(() => delivered);
    const app = await worker(farSide, { redisUrl: redis.url, isolatedEntry: join(folder, 'no such script') });
    await addAfterDeaths(app, ['patient'], 2, {});
    const job = () => queueOf(app).getJob('deadly');
    await eventually('the job has failed twice', async () => Number((await job())?.attemptsMade) >= 2);
    expect(await app.get(FailedDeliveryStore, { strict: false }).get('patient')).toBeUndefined();
    expect((await job())?.stalledCounter).toBe(2);
    await close(app);
    await start(farSide);
    await farSide.until((came) => came.length === 1);
  });

  it('is sent as usual after one death, as any deployment may cause', async () => {
    const farSide = new FarSide(() => delivered);
    const app = await start(farSide);
    await addAfterDeaths(app, ['usual'], 1, {});
    await farSide.until((came) => came.length === 1);
    await untilEmpty(app);
  });
});
