import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, type LocalRedis } from '@pns/local-servers';
import { connectRedis, KeySpace } from '@pns/redis';
import { nextTurn, shortTurn } from '@pns/runtime';
import { addJobs, addJobsFrom, type NewJob, type Origin } from './add-jobs';
import { Queues } from './queues.service';

const folder = mkdtempSync(join(tmpdir(), 'pns-add-jobs-'));
let server: LocalRedis;
let queues: Queues;

beforeAll(async () => {
  server = await startRedis({ dataDir: folder, isDurable: false });
  queues = new Queues(connectRedis(server.url), new KeySpace(1));
});

afterAll(async () => {
  await queues.onApplicationShutdown();
  await server.stop();
  rmSync(folder, { recursive: true });
});

afterEach(async () => {
  await queues.redis.config('SET', 'maxmemory', '0');
  await queues.redis.flushall();
});

const group = '{pns:0}';
const list = `${group}:list`;

const job = (id: string, queue = 'webhook', delayMs = 0): NewJob => ({
  ...{ group, queue, name: 'deliver', id, delayMs },
  data: { id },
});

/** An origin like a batch of windows: its script deletes the list if all added jobs exist. */
const origin = (length = 2): Origin<'taken'> => ({
  list,
  first: 'me',
  length,
  answers: ['taken'],
  taken: (jobs) => ({
    lua: `for at = 2, #KEYS do if redis.call('EXISTS', KEYS[at]) == 0 then return 'missing' end end
          redis.call('DEL', KEYS[1])
          return 'taken'`,
    keys: [list, ...jobs],
    args: [],
  }),
});

const idsIn = async (name: string): Promise<(string | undefined)[]> =>
  (await queues.queue(group, name).getJobs(['waiting', 'delayed'])).map(({ id }) => id).sort();

it('adds jobs to several queues at once, each only once', async () => {
  const jobs = [job('a'), job('b', 'apns'), job('c', 'apns', 60_000)];
  await addJobs(queues, jobs);
  await addJobs(queues, jobs);
  expect([await idsIn('webhook'), await idsIn('apns')]).toEqual([['a'], ['b', 'c']]);
});

it('adds the jobs of calls with little work in the order of the calls, also while others wait for a turn', async () => {
  await queues.queue(group, 'webhook').waitUntilReady();
  await nextTurn();
  const end = performance.now() + 20;
  void shortTurn(); // begins to measure this turn of the event loop
  while (performance.now() < end); // simulates other work in the same turn
  for (let waiting = 0; waiting < 100; waiting++) void shortTurn();
  const first = addJobs(queues, [job('first')]);
  await new Promise((resolve) => setImmediate(resolve));
  await Promise.all([first, addJobs(queues, [job('second')])]);
  const waiting = await queues.queue(group, 'webhook').getJobs(['waiting'], 0, -1, true);
  expect(waiting.map(({ id }) => id)).toEqual(['first', 'second']);
});

it('gives jobs the options of every job of a queue', async () => {
  await addJobs(queues, [job('added')]);
  await queues.queue(group, 'webhook').add('deliver', {}, { jobId: 'other' });
  const [added, other] = await Promise.all(['added', 'other'].map((id) => queues.queue(group, 'webhook').getJob(id)));
  expect(added?.opts).toEqual({ ...other?.opts, jobId: 'added', delay: 0 });
});

it('sends a script once, and again when Redis has lost it', async () => {
  const sent = async () => {
    const stats = await queues.redis.info('commandstats');
    return Number(/cmdstat_script(?:\|load)?:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  };
  await addJobs(queues, [job('first')]);
  const before = await sent();
  await addJobs(queues, [job('second'), job('third', 'apns')]);
  expect(await sent()).toBe(before);
  await queues.redis.script('FLUSH');
  await queues.redis.config('RESETSTAT');
  await addJobs(queues, [job('fourth')]);
  expect([await sent(), await idsIn('webhook')]).toEqual([1, ['first', 'fourth', 'second']]);
});

describe('jobs that are taken from a list', () => {
  beforeEach(() => queues.redis.rpush(list, 'me', 'window'));

  it('are added once, even if the call is repeated', async () => {
    expect(await addJobsFrom(queues, [job('a')], origin())).toBe('taken');
    await queues.queue(group, 'webhook').remove('a'); // the first job is done
    expect(await addJobsFrom(queues, [job('a')], origin())).toBe('lost');
    expect([await idsIn('webhook'), await queues.redis.exists(list)]).toEqual([[], 0]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['has another owner', () => queues.redis.lset(list, 0, 'you')],
    ['has lost something', () => queues.redis.rpop(list)],
    ['is gone', () => queues.redis.del(list)],
  ])('are not added when the list %s', async (_, change) => {
    await change();
    const before = await queues.redis.lrange(list, 0, -1);
    expect(await addJobsFrom(queues, [job('a')], origin())).toBe('lost');
    expect([await idsIn('webhook'), await queues.redis.lrange(list, 0, -1)]).toEqual([[], before]);
  });

  it('are not added, and not taken, while the memory of Redis is full', async () => {
    await queues.redis.config('SET', 'maxmemory', '1mb');
    const jobs = [job('a'), job('b', 'apns')];
    await expect(addJobsFrom(queues, jobs, origin())).rejects.toThrow(/OOM/);
    await queues.redis.config('SET', 'maxmemory', '0');
    expect([await idsIn('webhook'), await queues.redis.llen(list)]).toEqual([[], 2]);
    expect(await addJobsFrom(queues, jobs, origin())).toBe('taken');
    expect([await idsIn('webhook'), await idsIn('apns')]).toEqual([['a'], ['b']]);
  });

  it('are added even if Redis does not know the scripts any more', async () => {
    await addJobs(queues, [job('before')]);
    await queues.redis.script('FLUSH');
    expect(await addJobsFrom(queues, [job('after')], origin())).toBe('taken');
  });

  it('are added once Redis is back', async () => {
    const adding = server.kill().then(() => addJobsFrom(queues, [job('a')], origin()));
    await new Promise((resolve) => queues.redis.once('reconnecting', resolve));
    server = await startRedis({ dataDir: folder, isDurable: false, port: server.port });
    expect(await adding).toBe('taken');
    expect(await idsIn('webhook')).toEqual(['a']);
  });
});
