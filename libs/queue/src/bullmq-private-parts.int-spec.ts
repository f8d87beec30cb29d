import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { ErrorCode, Job, Queue, Worker, type IRedisTransaction } from 'bullmq';
import { Redis } from 'ioredis';

/**
 * The parts of BullMQ that PNS uses and BullMQ's documentation does not describe. package.json pins its minor version; a newer
 * version must pass this file. `job-worker.ts`, `add-jobs.ts`, `job-counts.ts`, `erased.ts` and the Lua scripts beside them use
 * these parts.
 */

const group = `{${freshPrefix()}:0}`;
const name = 'any';
const key = (rest: string): string => `${group}:${name}:${rest}`;
let redis: Redis;
let queue: Queue;
let worker: Worker;

beforeEach(async () => {
  redis = new Redis(testRedisUrl(), { maxRetriesPerRequest: null });
  queue = new Queue(name, { connection: redis, prefix: group });
  worker = new Worker(name, null, { connection: redis, prefix: group, autorun: false });
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
});

afterEach(async () => {
  await queue.obliterate({ force: true });
  await worker.close();
  await queue.close();
  redis.disconnect();
});

it('a queue names its keys with its prefix and name', () => {
  expect(queue.toKey('wait')).toBe(key('wait'));
});

it('jobs that wait are in a list, with a marker that wakes up a worker', async () => {
  await queue.add('deliver', {}, { jobId: 'one' });
  expect(await redis.lrange(key('wait'), 0, -1)).toEqual(['one']);
  expect(await redis.zrange(key('marker'), 0, -1)).toEqual(['0']);
});

it('delayed jobs are in a sorted set', async () => {
  await queue.add('deliver', {}, { jobId: 'one', delay: 60_000 });
  expect(await redis.zrange(key('delayed'), 0, -1)).toEqual(['one']);
  expect(await redis.hget(key('one'), 'delay')).toBe('60000');
});

it('a job is a hash with its data, its progress and the number of its starts', async () => {
  const job = await queue.add('deliver', { v: 1 }, { jobId: 'one' });
  await job.updateProgress({ arrived: [] });
  await worker.getNextJob('token');
  expect(await redis.hmget(key('one'), 'data', 'progress', 'ats')).toEqual(['{"v":1}', '{"arrived":[]}', '1']);
  expect(job.queueQualifiedName).toBe(`${group}:${name}`);
});

it('a job in progress is in a list and has a lock with the token of its worker', async () => {
  await queue.add('deliver', {}, { jobId: 'one' });
  await worker.getNextJob('token');
  expect(await redis.lrange(key('active'), 0, -1)).toEqual(['one']);
  expect(await redis.get(key('one:lock'))).toBe('token');
});

it('a search for stalled jobs notes the active ones in a set, and moves those without a lock in the next search', async () => {
  await queue.add('deliver', {}, { jobId: 'one' });
  await worker.getNextJob('token');
  await worker.backend.moveStalledJobsToWait();
  expect(await redis.smembers(key('stalled'))).toEqual(['one']);
  await redis.del(key('one:lock'), key('stalled-check'));
  expect(await worker.backend.moveStalledJobsToWait()).toEqual(['one']);
});

it('a job that is moved without its lock fails with a code of its own', async () => {
  await queue.add('deliver', {}, { jobId: 'one' });
  const job = await worker.getNextJob('token');
  await redis.del(key('one:lock'));
  await expect(job.moveToCompleted({}, 'token', false)).rejects.toMatchObject({ code: ErrorCode.JobLockNotExist });
});

it('the backend adds a job to a transaction by the name and arguments of a script that ioredis knows', async () => {
  const commands: string[] = [];
  const transaction = { runCommand: (command: string) => void commands.push(command) };
  const job = new Job(queue, 'deliver', {}, { ...queue.jobsOpts, jobId: 'one' }, 'one');
  await queue.backend.addJobToTransaction(transaction as unknown as IRedisTransaction, job.asJSON(), 'one');
  expect(commands).toHaveLength(1);
  expect(redis.scriptsSet).toMatchObject({ [commands[0] ?? '']: { lua: expect.any(String) as string } });
});

it.each(['extendJobLocks', 'createJob', 'callProcessJob', 'processJob', 'moveToActive', 'cancelJob'])(
  'a worker has the method %s, which ours overrides or calls',
  (method) => expect(Object(Worker.prototype)).toHaveProperty(method, expect.any(Function)),
);

it('a worker makes jobs of the class that its getter names', () => {
  expect(Reflect.get(worker, 'Job')).toBe(Job);
});

it('a backend can cut off the blocking connection of its worker', () => {
  expect(worker.backend).toHaveProperty('disconnectBlocking', expect.any(Function));
});
