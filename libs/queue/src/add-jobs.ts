import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Job, type IRedisTransaction } from 'bullmq';
import type { Queues } from './queues.service';
import type { RedisClient } from './redis';

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
export interface Origin {
  /** Jobs are added only while the list begins with `first` and has this length. */
  readonly list: string;
  readonly first: string;
  readonly length: number;
  /** Runs together with the addition. Changes nothing and answers another number than 1 when one of `jobs`, their keys, is missing. */
  readonly taken: (jobs: readonly string[]) => ScriptCall;
}

const guard = readFileSync(join(__dirname, '..', 'src', 'guard.lua'), 'utf8');

/**
 * Adds jobs to queues of one key group, or of one Redis, in one round trip: all of them or none. False when they have another
 * `origin` by now or were taken from it before: then nothing is added. Safe to repeat, also by ioredis itself, which
 * sends a transaction again when it lost the answer.
 *
 * @throws when Redis refuses the jobs, for example because its memory is full.
 */
export async function addJobs(queues: Queues, jobs: readonly NewJob[], origin?: Origin): Promise<boolean> {
  const { redis } = queues;
  const calls = await Promise.all(jobs.map((job) => additionOf(queues, job)));
  const pipeline = redis.pipeline();
  // In a transaction ioredis cannot send a script again that Redis has forgotten.
  for (const lua of new Set(calls.map(({ script }) => script.lua))) pipeline.script('LOAD', lua);
  if (origin !== undefined) pipeline.watch(origin.list).eval(guard, 1, origin.list, origin.first, origin.length);
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
  const results = answers.at(-1)?.[1] as unknown[] | null | undefined;
  if (results == null) return false;
  const refusal = results.find((result) => result instanceof Error);
  if (refusal !== undefined) throw refusal;
  if (origin !== undefined && results.at(-1) !== 1) throw new Error('Redis has not added all jobs.');
  return true;
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
