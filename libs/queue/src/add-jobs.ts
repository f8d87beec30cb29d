import { Job, type IRedisTransaction } from 'bullmq';
import { LuaScript, type RedisClient } from '@pns/redis';
import { Slices } from '@pns/runtime';
import type { Queues } from './queues.service';

/** A job for a queue of a key group. It is not added while a job with the same id exists. */
export interface NewJob {
  readonly group: string;
  readonly queue: string;
  readonly name: string;
  readonly id: string;
  readonly data: object;
  readonly delayMs: number;
}

/** A Lua script with its keys and arguments. */
interface ScriptCall {
  readonly lua: string;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/** A list in Redis from which jobs are made, and the script that changes it when the jobs are added. */
export interface Origin<Answer extends string> {
  /** Jobs are added only while the list begins with `first` and has this length. */
  readonly list: string;
  readonly first: string;
  readonly length: number;
  /**
   * Returns the script that runs in one transaction with the addition of the jobs with these keys. The script returns one of
   * `answers`; if one of the jobs does not exist, it returns `missing` and changes nothing.
   */
  readonly taken: (jobs: readonly string[]) => ScriptCall;
  /** The possible answers of the script. */
  readonly answers: readonly Answer[];
}

/** The scripts that were loaded, by the connection: the key group, which decides the Redis, and the digest. */
const loaded = new WeakMap<RedisClient, Set<string>>();

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
 * Adds jobs like `addJobs`, in one transaction with the script of their origin. Returns `lost` and adds nothing when the origin
 * has changed, because another caller or an earlier try of this call took it. So the call is safe to repeat, also by ioredis,
 * which sends a transaction again when its answer was lost.
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

/** Returns the answers of the transaction's commands; null when it was not executed because the origin has changed. */
async function transact(queues: Queues, jobs: readonly NewJob[], origin?: Origin<string>): Promise<unknown[] | null> {
  const calls: Addition[] = [];
  // Large jobs take some ms each, so a long call pauses between them. A short call does not pause, so that no later call for the
  // same socket overtakes it.
  const slices = new Slices();
  for (const job of jobs) {
    if (slices.isOver) await slices.pause();
    calls.push(await additionOf(queues, job));
  }
  const scripts = new Set(calls.map(({ script }) => script));
  const missing = missingScripts(queues.redis, jobs[0]?.group ?? '', scripts);
  const pipeline = queues.redis.pipeline();
  for (const { lua } of missing.scripts) pipeline.script('LOAD', lua);
  if (origin !== undefined) pipeline.watch(origin.list).eval(guard.source, 1, origin.list, origin.first, origin.length);
  (pipeline as unknown as Pick<RedisClient, 'multi'>).multi();
  for (const { script, args } of calls) pipeline.evalsha(script.sha, script.numberOfKeys, ...args);
  if (origin !== undefined) {
    const { lua, keys, args } = origin.taken(calls.map(({ key }) => key));
    pipeline.eval(lua, keys.length, ...keys, ...args);
  }
  void pipeline.exec(); // adds the command EXEC; the next call of `exec` sends the pipeline
  const answers = (await pipeline.exec()) ?? [];
  const fault = answers.find(([error]) => error !== null)?.[0];
  if (fault) throw fault;
  const results = (answers.at(-1)?.[1] ?? null) as unknown[] | null;
  const refusal = results?.find((result) => result instanceof Error);
  if (refusal === undefined) missing.areLoaded();
  else if (!refusal.message.startsWith('NOSCRIPT')) throw refusal;
  else {
    missing.forgetAll();
    return transact(queues, jobs, origin);
  }
  return results;
}

/**
 * The scripts that must be sent before the transaction, in which ioredis cannot send a script again that Redis does not have.
 * A script of BullMQ has up to 26 kB, so it is sent once. Several scripts are always sent: without one of them, Redis would add only
 * a part of the jobs.
 */
function missingScripts(redis: RedisClient, group: string, scripts: ReadonlySet<Script>) {
  const known = loaded.get(redis) ?? new Set();
  loaded.set(redis, known);
  const nameOf = ({ sha }: Script): string => `${group} ${sha}`;
  return {
    scripts: [...scripts].filter((script) => scripts.size > 1 || !known.has(nameOf(script))),
    areLoaded: (): void => scripts.forEach((script) => known.add(nameOf(script))),
    /** Redis has restarted, or another client has deleted its scripts. */
    forgetAll: (): void => known.clear(),
  };
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
  await queue.waitUntilReady(); // from then on the connection has the scripts of BullMQ
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
