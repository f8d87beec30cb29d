import { EventEmitter, once } from 'node:events';
import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { connectRedis, KeySpace, LuaScript } from '@pns/redis';
import { log, metrics } from '@pns/runtime';
import type { Queue } from 'bullmq';
import type { JobWorker } from './job-worker';
import { Queues } from './queues.service';

/** A queue with a worker whose jobs end when the test requests it. */
class Scene {
  readonly queues = new Queues(connectRedis(testRedisUrl()), new KeySpace(1, freshPrefix()));
  readonly group = this.queues.keys.group(0);
  readonly queue: Queue = this.queues.queue(this.group, 'any');
  readonly events = new EventEmitter();
  readonly worker: JobWorker<unknown>;
  runs = 0;
  lost = false;

  constructor() {
    this.worker = this.queues.worker<unknown>(this.group, 'any', async (_job, _token, signal) => {
      this.runs++;
      signal?.addEventListener('abort', () => {
        this.lost = true;
        this.events.emit('end');
      });
      this.events.emit('begun');
      await once(this.events, 'end');
    });
  }

  /** Adds a job and returns its lock when the worker runs it. */
  async begin(id: string): Promise<string> {
    const begun = once(this.events, 'begun');
    await this.queue.add('any', {}, { jobId: id });
    await begun;
    return this.queue.toKey(`${id}:lock`);
  }

  get redis() {
    return this.queues.redis;
  }

  async close(): Promise<void> {
    this.events.emit('end');
    await this.worker.close();
    await this.queues.onApplicationShutdown();
  }
}

let scene: Scene;

beforeEach(() => {
  scene = new Scene();
});

afterEach(async () => {
  await scene.close();
  jest.restoreAllMocks();
});

/** The value of a counter for this test's queue. It is 0 before the first fault, because the queue has no series yet. */
const counted = async (name: string): Promise<number> =>
  Number(/queue="any"} (\d+)/.exec(await metrics.getSingleMetricAsString(name))?.[1] ?? 0);

describe('a job whose lock expired while its worker was alive', () => {
  it('stays with its worker, which takes the lock again', async () => {
    const lock = await scene.begin('kept');
    const token = await scene.redis.get(lock);
    await scene.redis.del(lock);
    await scene.worker.reconnected();
    expect(await scene.redis.get(lock)).toBe(token);
  });

  it('leaves its queue when it ends', async () => {
    const lock = await scene.begin('ended');
    await scene.redis.del(lock);
    const completed = once(scene.worker, 'completed');
    scene.events.emit('end');
    await completed;
    expect([await scene.queue.getJob('ended'), scene.runs]).toEqual([undefined, 1]);
  });

  describe('and that a search has moved back to the waiting jobs', () => {
    /** Begins a job, and simulates a search after its worker did not renew its lock in time. Returns the lock. */
    async function beginAndStall(id: string): Promise<string> {
      const lock = await scene.begin(id);
      await scene.worker.pause(true); // fetches nothing, like a worker that is blocked
      const { redis, queue } = scene;
      await redis.multi().del(lock).lrem(queue.toKey('active'), 1, id).rpush(queue.toKey('wait'), id).exec();
      return lock;
    }

    it('is taken back by its worker, unless another one has started it', async () => {
      const lock = await beginAndStall('back');
      await scene.worker.reconnected();
      expect(await scene.queue.getRanges(['active', 'wait'], 0, -1)).toEqual(['back']);
      expect([await scene.redis.exists(lock), await scene.queue.getActiveCount(), scene.lost]).toEqual([1, 1, false]);
    });

    it('leaves its queue when it ends', async () => {
      await beginAndStall('done');
      const completed = once(scene.worker, 'completed');
      scene.events.emit('end');
      await completed;
      expect([await scene.queue.getJob('done'), await scene.queue.count(), scene.runs]).toEqual([undefined, 0, 1]);
    });
  });

  it('belongs to another worker that has started it, and its first run is aborted', async () => {
    jest.spyOn(log, 'warn').mockImplementation();
    const lock = await scene.begin('lost');
    await scene.redis.multi().set(lock, 'of another worker').hincrby(scene.queue.toKey('lost'), 'ats', 1).exec();
    await scene.worker.reconnected();
    expect(scene.lost).toBe(true);
    expect(await scene.redis.get(lock)).toBe('of another worker');
    expect(log.warn).toHaveBeenCalledWith(expect.objectContaining({ event: 'job.lost', job: 'lost' }));
  });

  it('is not changed if another worker has started it and died', async () => {
    jest.spyOn(log, 'warn').mockImplementation();
    const lock = await scene.begin('restarted');
    await scene.redis.multi().del(lock).hincrby(scene.queue.toKey('restarted'), 'ats', 1).exec();
    await scene.worker.reconnected();
    expect([scene.lost, await scene.redis.exists(lock)]).toEqual([true, 0]);
  });
});

describe('the search for jobs whose worker died', () => {
  const script = new LuaScript({ folder: __dirname, name: 'search', numberOfKeys: 2 });
  const [searched, stalled] = ['{x}:searched', '{x}:stalled'].map((key) => `${freshPrefix()}${key}`) as [
    string,
    string,
  ];
  const search = () => script.run(scene.redis, searched, stalled, 2000, 4000, 5000);

  /** Sets the last search to `ago` ms ago, with a wait that ends in `waitsFor` ms, and marks a job as stalled. */
  async function lastSearched(ago: number, waitsFor = 0): Promise<void> {
    const now = Date.now();
    await scene.redis
      .multi()
      .set(searched, `${now - ago}:${now + waitsFor}`)
      .sadd(stalled, 'job')
      .exec();
  }

  it.each<[string, number, number, number, number]>([
    ['is made when nobody has searched for two seconds', 2100, 0, 1, 1],
    ['is not made when somebody has just searched', 1000, 0, 0, 1],
    ['waits after a gap, and forgets what was found before it', 4500, 0, 0, 0],
    ['waits until the time after a gap is over', 2100, 1000, 0, 1],
    ['waits when the clock was set back', -60_000, 0, 0, 0],
  ])('%s', async (_, ago, waitsFor, answer, marked) => {
    await lastSearched(ago, waitsFor);
    expect([await search(), await scene.redis.exists(stalled)]).toEqual([answer, marked]);
  });

  it('begins with a wait', async () => {
    await scene.redis.del(searched);
    expect(await search()).toBe(0);
  });
});

it('counts and logs a job whose worker died, and runs it again', async () => {
  jest.spyOn(log, 'warn').mockImplementation();
  const before = await counted('pns_jobs_stalled_total');
  // There is no grace period, as if another worker had searched all the time.
  await scene.redis.set(scene.queue.toKey('searched'), `${Date.now()}:${Date.now()}`);
  // The state after a worker was killed more than ten seconds ago.
  await scene.queue.add('any', {}, { jobId: 'orphan', delay: 3_600_000 });
  await scene.redis
    .multi()
    .zrem(scene.queue.toKey('delayed'), 'orphan')
    .lpush(scene.queue.toKey('active'), 'orphan')
    .exec();
  await once(scene.events, 'begun');
  expect(await counted('pns_jobs_stalled_total')).toBe(before + 1);
  expect(log.warn).toHaveBeenCalledWith(expect.objectContaining({ event: 'job.stalled', queue: 'any', job: 'orphan' }));
});

it('counts each job that fails, and logs the same reason at most every ten seconds and without a stack', async () => {
  const warn = jest.spyOn(log, 'warn').mockImplementation();
  const before = await counted('pns_jobs_failed_total');
  const worker = scene.queues.worker(scene.group, 'any', () => Promise.reject(new Error('Postgres is away')));
  const failures = new Promise<void>((resolve) => {
    let count = 0;
    worker.on('failed', () => ++count === 3 && resolve());
  });
  await scene.worker.close();
  await scene.queue.addBulk(['a', 'b', 'c'].map((id) => ({ name: id, data: {}, opts: { jobId: id, attempts: 1 } })));
  await failures;
  await worker.close();
  expect(await counted('pns_jobs_failed_total')).toBe(before + 3);
  const lines = warn.mock.calls.map(([line]) => line as object).filter((line) => 'reason' in line);
  expect(lines).toMatchObject([{ event: 'job.failed', queue: 'any', reason: 'Postgres is away', failures: 1 }]);
  expect(lines[0]).not.toHaveProperty('err');
});

describe('a burst of jobs', () => {
  it('starts each job as soon as it is fetched, although hundreds may run at once', async () => {
    await scene.worker.close();
    await scene.queue.addBulk(
      Array.from({ length: 300 }, (_, index) => ({ name: 'any', data: {}, opts: { jobId: `j-${index}` } })),
    );
    let [fetched, started, mostAhead] = [0, 0, 0];
    const allStarted = new AbortController();
    const ended = once(allStarted.signal, 'abort');
    const worker = scene.queues.worker(
      scene.group,
      'any',
      async () => {
        if (++started === 300) allStarted.abort();
        await ended;
      },
      { concurrency: 1000 },
    );
    worker.on('active', () => (mostAhead = Math.max(mostAhead, ++fetched - started)));
    await ended;
    await worker.close();
    expect(mostAhead).toBe(1);
  });

  it('is overtaken by a delayed job that is brought forward, once', async () => {
    const begun = scene.begin('in progress');
    await begun;
    await scene.queue.addBulk(['first', 'second'].map((id) => ({ name: 'any', data: {}, opts: { jobId: id } })));
    await scene.queue.add('any', {}, { jobId: 'later', delay: 3_600_000 });
    expect(await scene.worker.bringForward('later')).toBe(true);
    expect(await scene.worker.bringForward('later')).toBe(false);
    const next = once(scene.worker, 'active') as Promise<[{ id?: string }]>;
    scene.events.emit('end');
    expect((await next)[0].id).toBe('later');
    // Ends the other two jobs as soon as they start.
    for (let runs = 3; runs <= 4; runs++) {
      const another = once(scene.events, 'begun');
      scene.events.emit('end');
      await another;
    }
  });
});
