import { Job, type IRedisTransaction } from 'bullmq';
import { LuaScript, type RedisClient } from '@pns/redis';
import type { Queues } from './queues.service';

/** A job for a queue of a key group. A job with the same id that is still there makes it unnecessary. */
export interface NewJob {
  readonly group: string;
  readonly queue: string;
  readonly name: string;
  readonly id: string;
  readonly data: object;
  readonly delayMs: number;
}

/** A Lua script with its keys and arguments. */
export interface ScriptCall {
  readonly lua: string;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/** A list that jobs are made from, and what becomes of it when they are added. */
export interface Origin<Answer extends string> {
  /** Jobs are added only while the list begins with `first` and has this length. */
  readonly list: string;
  readonly first: string;
  readonly length: number;
  /**
   * Runs together with the addition of jobs with these keys and tells how that ended. Where one of them is missing it answers
   * `missing` and changes nothing.
   */
  readonly taken: (jobs: readonly string[]) => ScriptCall;
  /** What `taken` answers. */
  readonly answers: readonly Answer[];
}

const guard = new LuaScript({ folder: __dirname, name: 'guard', numberOfKeys: 1 });

/**
 * Adds jobs to queues of one key group, or of one Redis, in one round trip: all of them or none.
 *
 * @throws when Redis refuses the jobs, for example because its memory is full.
 */
export async function addJobs(queues: Queues, jobs: readonly NewJob[]): Promise<void> {
  await transact(queues, jobs);
}

/**
 * As `addJobs`, in one step with their origin. `lost` when it is another one by now, because somebody else took the jobs or this
 * call did: then nothing is added. So it is safe to repeat, also for ioredis, which sends a transaction again when it lost the
 * answer.
 */
export async function addJobsFrom<Answer extends string>(
  queues: Queues,
  jobs: readonly NewJob[],
  origin: Origin<Answer>,
): Promise<Answer | 'lost'> {
  const results = await transact(queues, jobs, origin);
  if (results === null) return 'lost';
  const answer = origin.answers.find((each) => each === results.at(-1));
  if (answer === undefined) throw new Error(`Redis has not added all jobs: ${String(results.at(-1))}.`);
  return answer;
}

/** What the commands of the transaction answered; null when it was not made because the origin has changed. */
async function transact(queues: Queues, jobs: readonly NewJob[], origin?: Origin<string>): Promise<unknown[] | null> {
  const calls = await Promise.all(jobs.map((job) => additionOf(queues, job)));
  const pipeline = queues.redis.pipeline();
  // In a transaction ioredis cannot send a script again that Redis has forgotten.
  for (const lua of new Set(calls.map(({ script }) => script.lua))) pipeline.script('LOAD', lua);
  if (origin !== undefined) pipeline.watch(origin.list).eval(guard.source, 1, origin.list, origin.first, origin.length);
  (pipeline as unknown as Pick<RedisClient, 'multi'>).multi();
  for (const { script, args } of calls) pipeline.evalsha(script.sha, script.numberOfKeys, ...args);
  if (origin !== undefined) {
    const { lua, keys, args } = origin.taken(calls.map(({ key }) => key));
    pipeline.eval(lua, keys.length, ...keys, ...args);
  }
  void pipeline.exec(); // of Redis: ends the transaction. The next one is of ioredis, and sends all of it.
  const answers = (await pipeline.exec()) ?? [];
  const fault = answers.find(([error]) => error !== null)?.[0];
  if (fault) throw fault;
  const results = (answers.at(-1)?.[1] ?? null) as unknown[] | null;
  const refusal = results?.find((result) => result instanceof Error);
  if (refusal !== undefined) throw refusal;
  return results;
}

interface Script {
  readonly lua: string;
  readonly sha: string;
  readonly numberOfKeys: number;
}

interface Addition {
  readonly key: string;
  readonly script: Script;
  readonly args: (string | Buffer)[];
}

/** BullMQ's own script that adds the job, with its arguments. */
async function additionOf(queues: Queues, { group, queue: where, name, id, data, delayMs }: NewJob): Promise<Addition> {
  const queue = queues.queue(group, where);
  await queue.waitUntilReady(); // BullMQ has given ioredis its scripts then
  const scripts = scriptsOf(queues.redis);
  let found: Pick<Addition, 'script' | 'args'> | undefined;
  const transaction = {
    runCommand: (command: string, args: (string | Buffer)[]): void => {
      const script = scripts[command];
      if (script !== undefined) found = { script, args };
    },
  };
  const job = new Job(queue, name, data, { ...queue.jobsOpts, jobId: id, delay: delayMs }, id);
  await queue.backend.addJobToTransaction(transaction as unknown as IRedisTransaction, job.asJSON(), id);
  if (found === undefined) throw new Error('BullMQ adds jobs in another way than this version of PNS expects.');
  return { key: queue.toKey(id), ...found };
}

function scriptsOf(redis: RedisClient): Readonly<Record<string, Script | undefined>> {
  return redis.scriptsSet;
}
