import { ConfigCascade } from '@pns/config-cascade';
import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { itemOf, type Notification } from '@pns/notifications';
import { aggregationQueue, Queues, type TickJob } from '@pns/queue';
import { connectRedis, KeySpace, MemoryUse } from '@pns/redis';
import { log } from '@pns/runtime';
import type { Queue } from 'bullmq';
import { windowKey } from './window-key';
import { TickWorker } from './tick-worker';
import { Ticks } from './ticks';
import { Windows, type Batch, type JoinEntry, type Settled } from './windows';

log.level = 'silent';

const shard = 0;
const tickLengthMs = 500;
const orphanAfterMs = 60_000;

/** The parts of an API process and of a dispatcher for one or more shards; `clock` replaces the clock of Redis. */
class Scene {
  private readonly keys: KeySpace;
  private readonly queues: Queues;
  readonly queue: Queue<TickJob>;
  readonly ticks: Ticks;
  readonly windows: Windows;
  private readonly worker: TickWorker;
  readonly cascade = new ConfigCascade();
  /** The first batch that the dispatcher dispatched. */
  readonly handedOver: Promise<Batch>;
  /** Dispatches a batch. */
  effort: () => Promise<void> = () => Promise.resolve();
  onBatch: (batch: Batch) => Promise<void> = () => this.effort();
  private readonly settled: (batch: Batch) => Promise<Settled>;

  constructor(
    readonly clock: () => number,
    shards = 1,
  ) {
    this.keys = new KeySpace(shards, freshPrefix());
    this.queues = new Queues(connectRedis(testRedisUrl()), this.keys);
    this.queue = this.queueOf(shard);
    this.ticks = new Ticks(this.queues);
    this.windows = new Windows(this.queues.redis, this.keys, clock);
    let dispatched: (batch: Batch) => void;
    this.handedOver = new Promise((resolve) => (dispatched = resolve));
    this.settled = async (batch: Batch): Promise<Settled> => {
      dispatched(batch);
      await this.onBatch(batch);
      return this.windows.settle(batch);
    };
    const memory = new MemoryUse(this.queues.redis);
    this.worker = new TickWorker(this.queues, this.windows, this.ticks, this.cascade, memory);
  }

  queueOf(shard: number): Queue<TickJob> {
    return this.queues.queue(this.keys.group(shard), aggregationQueue);
  }

  /** Starts the dispatcher. */
  start(): Promise<void> {
    return this.worker.start(this.settled);
  }

  /** Sets a property for all users. */
  change(name: string, value: string): Promise<void> {
    const heard = new Promise<void>((resolve) => this.cascade.onChange(resolve));
    this.cascade.replaceServerScope({ name: 'server', id: 'test', values: new Map([[name, value]]) });
    return heard;
  }

  async close(): Promise<void> {
    await this.worker.beforeApplicationShutdown();
    await this.queues.onApplicationShutdown();
  }
}

function entry(id: string, delayMs: number, user = 14): JoinEntry {
  const notification: Notification = {
    ...{ id, context: 1, user, topic: 'ox:test', payload: { id } },
    ...{ priority: 'high', timestamp: 0 },
  };
  const fields = { mode: 'equal', maxDelayMs: 10_000, idempotencyKey: '', retentionMs: 0 } as const;
  return { key: windowKey('equal', notification), delayMs, item: itemOf(notification), ...fields };
}

const idsIn = ({ windows }: Batch) => windows.map(({ notification }) => notification.id);

let scene: Scene;
afterEach(() => scene.close());

it('a batch without a job gets a new job after a minute, and other batches do not', async () => {
  let now = 1_000_000;
  scene = new Scene(() => now);
  let user = 0;
  const takenBy = async (job: string): Promise<void> => {
    await scene.windows.join(shard, [entry(`of ${job}`, 0, ++user)], tickLengthMs, job);
    await scene.windows.take(shard, job, 'a process that died', 10);
    now += 1;
  };
  await takenBy('kept'); // the sweep finds this batch first, so it has skipped this batch when the next batch has a new job
  await scene.queue.add('tick', { v: 1, dueAt: 0 }, { jobId: 'kept', delay: 3_600_000 });
  await takenBy('gone');
  now += orphanAfterMs;
  await takenBy('young');
  await scene.start();
  const batch = await scene.handedOver;
  expect([batch.id, idsIn(batch)]).toEqual(['gone', ['of gone']]);
  const isSettled = async () => !(await scene.windows.unsettledBatches(shard, 0)).includes('gone');
  await eventually('the batch is settled', isSettled);
  expect(await scene.windows.unsettledBatches(shard, 0)).toEqual(['kept', 'young']);
});

it('a tick that runs too early is deferred until its time', async () => {
  const earlyMs = 300;
  let stopped: number | undefined;
  scene = new Scene(() => stopped ?? Date.now());
  await scene.start();
  await scene.queue.removeJobScheduler('sweep'); // a sweep could take the window first
  // The window falls due exactly at its tick, so that no other tick can find it due before.
  stopped = Date.now();
  const dueAt = scene.windows.tickFor(shard, stopped + 2 * earlyMs, tickLengthMs);
  const joined = await scene.windows.join(shard, [entry('waiting', dueAt - stopped)], tickLengthMs, 'x');
  expect(joined.ticks).toEqual([dueAt]);
  await scene.ticks.schedule(shard, [dueAt], joined.clock + earlyMs);
  stopped = undefined;
  const batch = await scene.handedOver;
  expect([batch.id, idsIn(batch)]).toEqual([`tick-${dueAt}`, ['waiting']]);
  expect(batch.clock).toBeGreaterThanOrEqual(dueAt);
});

it('sweeps one shard after the other', async () => {
  const shards = 5;
  const everyMs = 5000;
  scene = new Scene(Date.now, shards);
  await scene.start();
  const times = await Promise.all(
    Array.from({ length: shards }, async (_, at) => (await scene.queueOf(at).getJobScheduler('sweep'))?.next ?? NaN),
  );
  const phases = times.map((time) => time % everyMs).sort((a, b) => a - b);
  expect(phases).toEqual([999, 1999, 2999, 3999, 4999]);
});

it('runs no more batches at once than configured, even after other properties change', async () => {
  scene = new Scene(Date.now, 2);
  const changed = () => scene.change('com.openexchange.pns.numProcessorThreads', '1');
  await changed();
  let [atWork, mostAtWork] = [0, 0];
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  scene.effort = async () => {
    mostAtWork = Math.max(mostAtWork, ++atWork);
    await released;
    atWork--;
  };
  for (const place of [0, 1]) await scene.windows.join(place, [entry(`in-${place}`, 0)], tickLengthMs, '');
  await scene.start();
  await scene.ticks.addNow(0, 'first', Date.now());
  await scene.handedOver;
  await changed();
  await scene.ticks.addNow(1, 'second', Date.now());
  await eventually('the second tick is taken', async () => (await scene.queueOf(1).getActiveCount()) > 0);
  for (let turn = 0; turn < 50; turn++) await scene.queue.getActiveCount(); // enough time to take and dispatch it
  release();
  await eventually('the second tick is done', async () => (await scene.queueOf(1).getActiveCount()) === 0);
  expect([mostAtWork, atWork]).toEqual([1, 0]);
});

it('dispatches the windows of one user one batch after the other, in order, and those of other users meanwhile', async () => {
  scene = new Scene(Date.now);
  const count = 1200;
  const mine = Array.from({ length: count }, (_, index) => entry(`${index}`, 0));
  for (let from = 0; from < count; from += 400) {
    await scene.windows.join(shard, mine.slice(from, from + 400), tickLengthMs, 'x');
  }
  await scene.windows.join(shard, [entry('other', 0, 15)], tickLengthMs, 'x');
  const handedOver: string[] = [];
  let release: () => void = () => undefined;
  const otherIsThere = new Promise<void>((resolve) => (release = resolve));
  let done: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (done = resolve));
  scene.onBatch = async (batch) => {
    const ids = idsIn(batch);
    if (ids.includes('other')) release();
    // The batch waits here, so that a later batch of the same user could overtake it.
    else await otherIsThere;
    handedOver.push(...ids.filter((id) => id !== 'other'));
    if (handedOver.length === count) done();
  };
  await scene.start();
  await scene.ticks.addNow(shard, 'first', Date.now());
  await all;
  expect(handedOver).toEqual(Array.from({ length: count }, (_, index) => `${index}`));
});

it('adds no ticks for windows that wait until another batch of their user is settled', async () => {
  scene = new Scene(Date.now);
  await scene.windows.join(shard, [entry('first', 0)], tickLengthMs, 'x');
  const before = await scene.windows.take(shard, 'of another dispatcher', 'another dispatcher', 10);
  await scene.windows.join(shard, [entry('second', 0)], tickLengthMs, 'x');
  await scene.start();
  await scene.ticks.addNow(shard, 'looks in vain', Date.now());
  const isDone = async () => (await scene.queue.getJob('looks in vain')) === undefined;
  await eventually('the tick is done', isDone);
  // An extra tick would also find nothing and add another tick.
  const jobs = await scene.queue.getJobs(['wait', 'active', 'delayed']);
  expect(jobs.filter(({ id }) => id?.startsWith('more-'))).toEqual([]);
  expect(await scene.windows.settle(before)).toBe('passed');
  await scene.ticks.addNow(shard, 'passed', Date.now());
  expect(idsIn(await scene.handedOver)).toEqual(['second']);
});

it('adds no more ticks for the rest when a batch is run again after a failure, and adds them after the death of a process', async () => {
  scene = new Scene(Date.now);
  const many = Array.from({ length: 501 }, (_, user) => entry(`${user}`, 0, user + 1));
  for (let from = 0; from < many.length; from += 400) {
    await scene.windows.join(shard, many.slice(from, from + 400), tickLengthMs, 'x');
  }
  await scene.windows.take(shard, 'again', 'a process that died', 500);
  // The only thread is busy with the batch, so other ticks wait.
  await scene.change('com.openexchange.pns.numProcessorThreads', '1');
  const added: number[] = [];
  scene.effort = async () => {
    const jobs = await scene.queue.getJobs(['wait', 'delayed']);
    const more = jobs.filter(({ id }) => id?.startsWith('more-'));
    added.push(more.length);
    await Promise.all(more.map((job) => job.remove()));
    if (added.length === 1) throw new Error('Postgres is away.');
  };
  await scene.start();
  await scene.queue.removeJobScheduler('sweep');
  await scene.ticks.addNow(shard, 'again', Date.now());
  const failed = await eventually('the first run has failed', async () => {
    const job = await scene.queue.getJob('again');
    return (await job?.isDelayed()) === true && job;
  });
  await failed.promote();
  await eventually('the tick is done', async () => (await scene.queue.getJob('again')) === undefined);
  expect(added).toEqual([1, 0]);
});
