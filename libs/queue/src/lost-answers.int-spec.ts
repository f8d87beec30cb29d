import { EventEmitter, once } from 'node:events';
import { cuttableLink, freshPrefix, testRedisUrl, type CuttableLink } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { log } from '@pns/runtime';
import type { Queue } from 'bullmq';
import type { JobWorker, Readership } from './job-worker';
import { KeySpace } from '@pns/redis';
import { Queues } from './queues.service';
import { connectRedis } from '@pns/redis';

log.level = 'silent';

/** A queue, with direct access and with workers that reach Redis through links. */
class Scene {
  private readonly keys = new KeySpace(1, freshPrefix());
  private readonly direct = new Queues(connectRedis(testRedisUrl()), this.keys);
  private readonly opened: { queues: Queues; link: CuttableLink; worker: JobWorker<unknown> }[] = [];
  readonly group = this.keys.group(0);
  readonly queue: Queue = this.direct.queue(this.group, 'any');
  /** The jobs in the order in which they were started. */
  readonly started: string[] = [];
  readonly events = new EventEmitter();

  /** Starts a worker whose jobs end when the test emits their ids. Returns its link. */
  async work(readership: Readership, concurrency = 1): Promise<CuttableLink> {
    const link = await cuttableLink(testRedisUrl());
    const queues = new Queues(connectRedis(link.url), this.keys);
    const run = async ({ id = '' }: { id?: string }): Promise<void> => {
      this.started.push(id);
      const ended = once(this.events, id);
      this.events.emit('started');
      await ended;
    };
    const worker = queues.worker<unknown>(this.group, 'any', run, { readership, concurrency });
    this.opened.push({ queues, link, worker });
    await worker.waitUntilReady(); // BullMQ ends no job before all its connections have had their first answers
    return link;
  }

  add(...ids: string[]): Promise<unknown> {
    return this.queue.addBulk(ids.map((id) => ({ name: id, data: {}, opts: { jobId: id, removeOnComplete: true } })));
  }

  async untilStarted(count: number): Promise<void> {
    while (this.started.length < count) await once(this.events, 'started');
  }

  /** Resolves when Redis has made the job active. */
  async untilActive(id: string): Promise<void> {
    await eventually(`${id} is active`, async () => (await this.queue.getRanges(['active'], 0, -1)).includes(id));
  }

  async expireLock(id: string): Promise<void> {
    await this.direct.redis.del(this.queue.toKey(`${id}:lock`));
  }

  async close(): Promise<void> {
    for (const { queues, link, worker } of this.opened) {
      await worker.close(true); // does not wait for jobs that no test ended
      await queues.onApplicationShutdown();
      await link.close();
    }
    await this.direct.onApplicationShutdown();
  }
}

let scene: Scene;

beforeEach(() => {
  scene = new Scene();
});

afterEach(() => scene.close());

/** Ends the job that started last, and further jobs as they start, until `count` jobs have started. */
async function endAll(count: number): Promise<void> {
  const end = (): void => void scene.events.emit(scene.started.at(-1) ?? '');
  scene.events.on('started', end);
  end();
  await scene.untilStarted(count);
}

/** Breaks the connection. All answers of Redis since `hold()` are lost with it. */
function breakConnection(link: CuttableLink): void {
  link.cut();
  link.release();
  link.mend();
}

describe('a job that Redis handed out and whose answer was lost with the connection', () => {
  it.each<[string, Readership, boolean]>([
    ['while its lock is valid', 'shared', false],
    ['while its lock is valid, where there is no other worker', 'exclusive', false],
    ['after its lock has expired, where there is no other worker', 'exclusive', true],
  ])('is started before later ones, %s', async (_, readership, isExpired) => {
    const link = await scene.work(readership);
    await scene.add('a', 'b', 'c', 'd');
    await scene.untilStarted(1);
    link.hold();
    scene.events.emit('a'); // when this job ends, Redis answers with the next job
    await scene.untilActive('b');
    if (isExpired) await scene.expireLock('b');
    breakConnection(link);
    await endAll(4);
    expect(scene.started).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is started in order when there are several', async () => {
    const link = await scene.work('exclusive', 2);
    await scene.add('a', 'b', 'c', 'd', 'e');
    await scene.untilStarted(2);
    link.hold();
    scene.events.emit('a');
    await scene.untilActive('c');
    scene.events.emit('b');
    await scene.untilActive('d');
    breakConnection(link);
    await endAll(5);
    expect(scene.started).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('is not a job that runs in this process, even if its lock has expired', async () => {
    const link = await scene.work('exclusive', 3);
    await scene.add('a', 'b');
    await scene.untilStarted(2);
    await scene.expireLock('b');
    breakConnection(link);
    await scene.add('c');
    await scene.untilStarted(3);
    expect(scene.started).toEqual(['a', 'b', 'c']);
    for (const id of scene.started) scene.events.emit(id);
  });
});

it('jobs in progress of a dead worker are started before waiting jobs, in order', async () => {
  const link = await scene.work('exclusive', 2);
  await scene.add('a', 'b', 'c');
  await scene.untilStarted(2);
  link.cut(); // simulates the death of a process: its locks are still valid
  scene.started.length = 0;
  await scene.work('inherited');
  await endAll(3);
  expect(scene.started).toEqual(['a', 'b', 'c']);
});
