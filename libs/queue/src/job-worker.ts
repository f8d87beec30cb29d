import { setTimeout as sleep } from 'node:timers/promises';
import { ErrorCode, Job, Worker, type JobJson, type JobProgress, type Processor, type WorkerOptions } from 'bullmq';
import { LuaScript, type RedisClient } from '@pns/redis';

/** A lock is valid for this time after each renewal, in ms. */
const lockMs = 10_000;
/** A lock is renewed when its age is between half of this time and this time, in ms. */
const renewEveryMs = 4_000;

/** The interval in which one of the workers of a queue searches it for jobs whose worker died, in ms. */
const searchEveryMs = 2_000;
/** If no worker has searched for longer than this, in ms, Redis was away or there was no worker. Must be less than `lockMs`. */
const gapMs = 4_000;
/** After a gap, living workers have this time to renew their locks, in ms. Reconnecting takes up to a second of it. */
const graceMs = 5_000;

/** When a job cannot be fetched, for example because Redis' memory is full, the worker tries again after this time, in ms. */
const fetchRetryMs = 500;

const scripts = {
  renew: new LuaScript<string[]>({ folder: __dirname, name: 'renew', numberOfKeys: 3 }),
  search: new LuaScript<number>({ folder: __dirname, name: 'search', numberOfKeys: 2 }),
  bringForward: new LuaScript<number>({ folder: __dirname, name: 'bring-forward', numberOfKeys: 3 }),
  putBack: new LuaScript<string[]>({ folder: __dirname, name: 'put-back', numberOfKeys: 4 }),
};

/** The error codes for a job whose lock has expired, and for a job that another worker has locked. */
const lockErrors = new Set<unknown>([ErrorCode.JobLockNotExist, ErrorCode.JobLockMismatch]);

/** BullMQ returns undefined when there is no job, although its types do not allow it. */
const none = undefined as unknown as Job;

/** The lengths of the data of jobs, as JSON in characters. */
const lengths = new WeakMap<object, number>();

/** The length of the data of a job that a `JobWorker` fetched, as JSON in characters. */
export function charactersOf(job: Pick<Job, 'id'>): number {
  return lengths.get(job) ?? 0;
}

/** A started job, and how often it has been started since it was added. */
type Started = Pick<Job, 'id' | 'attemptsStarted' | 'queueQualifiedName'>;

/**
 * Which other workers fetch jobs from a queue: any (`shared`), none (`exclusive`), or only a worker that died before this one
 * started (`inherited`).
 */
export type Readership = 'shared' | 'exclusive' | 'inherited';

/** The queue that a worker takes jobs from. */
interface JobSource {
  readonly redis: RedisClient;
  readonly group: string;
  readonly name: string;
  readonly readership?: Readership | undefined;
  /** Called with the id of a job in progress when another worker has started it. */
  readonly onLost: (job: string) => void;
}

/**
 * BullMQ's worker with locks that survive an outage of Redis. When Redis was away for longer than a lock is valid, the worker takes
 * the lock again. If another worker has started the job by then, the processor's `signal` is aborted. The jobs of a dead process are
 * taken over within 15 seconds. Each job starts as soon as it is fetched. If an answer of Redis with a job was lost with the
 * connection, the job returns to the front of the queue as soon as the connection is ready again.
 */
export class JobWorker<Data> extends Worker<Data> {
  /** Started jobs by the tokens of their locks. */
  private readonly inProgress = new Map<string, Started>();
  /** Tokens of jobs that were fetched and have not been started. */
  private readonly fetched = new Set<string>();
  /** Jobs that this process has received and that have not ended. */
  private readonly arrived = new Set<Job<Data>>();
  /** Jobs that arrived while a `putBackLost` was in progress, which may put them back. */
  private undecided: Job<Data>[] = [];
  /** For each job id, how often the job had been started when it was put back last. */
  private putBack: ReadonlyMap<string, number> = new Map();
  private puttingBack: Promise<void> | undefined;
  private readonly redis: RedisClient;
  private readonly onLost: (job: string) => void;
  private readonly readership: Readership;
  private readonly ending = new AbortController();
  /** Called with each job as soon as it is fetched. Jobs may start in another order. */
  onFetched: (job: Job<Data>) => void = () => undefined;
  /** Called with a job that this worker runs, or has just ended, when another worker has started it. */
  onTaken: (job: Started) => void = () => undefined;

  constructor(
    { redis, group, name, onLost, readership = 'shared' }: JobSource,
    processor: Processor<Data>,
    options: Partial<WorkerOptions> = {},
  ) {
    super(name, processor, {
      connection: redis,
      prefix: group,
      lockDuration: lockMs,
      lockRenewTime: renewEveryMs,
      skipStalledCheck: true, // `search` does this
      stalledInterval: searchEveryMs / 2, // with this, BullMQ keeps other workers from searching at the same time
      maxStalledCount: Number.MAX_SAFE_INTEGER, // a job that BullMQ fails finally would lose its data
      runRetryDelay: fetchRetryMs,
      ...options,
      autorun: false, // BullMQ would begin before this object is complete
    });
    this.redis = redis;
    this.onLost = onLost;
    this.readership = readership;
    this.once('closing', () => this.ending.abort());
    void this.start();
    void this.search();
  }

  /**
   * Renews the locks of all jobs in progress and puts back jobs whose answer was lost. Must be called as soon as the connection is
   * ready again, before other commands are sent.
   */
  async reconnected(): Promise<void> {
    const lost = this.putBackLost(this.readership === 'shared' ? 'own' : 'free');
    try {
      if (this.inProgress.size > 0) await this.renew([...this.inProgress]);
    } catch (error) {
      this.emit('error', error as Error);
    }
    await lost;
  }

  /** Takes the expired lock of a job again; resolves with whether that succeeded. */
  async reclaim(job: Started, token: string): Promise<boolean> {
    return (await this.renew([[token, job]])).size === 0;
  }

  /** Stops renewing the lock of a job that left this worker. */
  release(token: string): void {
    this.inProgress.delete(token);
  }

  /** Makes a delayed job the next one that is fetched. Resolves with false when it was not delayed any more. */
  async bringForward(job: string): Promise<boolean> {
    const keys = [this.toKey('delayed'), this.toKey('wait'), this.toKey('marker')];
    return (await scripts.bringForward.run(this.redis, ...keys, this.toKey(''), job)) === 1;
  }

  /** Renews locks; BullMQ calls this at intervals. Returns no lost jobs, because BullMQ would report them as errors. */
  override async extendJobLocks(_: string[], tokens: string[]): Promise<string[]> {
    const jobs = tokens.flatMap((token) => {
      const job = this.inProgress.get(token);
      return job === undefined ? [] : [[token, job] as const];
    });
    if (jobs.length > 0) await this.renew(jobs);
    return [];
  }

  private async start(): Promise<void> {
    try {
      if (this.readership === 'inherited') await this.putBackLost('all');
      await this.run();
    } catch (error) {
      this.emit('error', error as Error);
    }
  }

  /**
   * Puts back jobs in progress that have not arrived in this process. Redis answers in order, so the script may have put back a
   * job that arrives before the answer of the script. Such a job must not run, so jobs that arrive start only after the answer.
   */
  private putBackLost(whose: 'own' | 'free' | 'all'): Promise<void> {
    const before = this.puttingBack;
    if (before === undefined) this.putBack = new Map();
    const run = (async () => {
      const runs = [...this.arrived].filter((job) => !this.undecided.includes(job)).map(({ id = '' }) => id);
      const keys = ['active', 'wait', 'stalled', 'marker'].map((key) => this.toKey(key));
      const args = [this.toKey(''), `${this.id}:`, whose, ...runs];
      try {
        const [moved] = await Promise.all([scripts.putBack.run(this.redis, ...keys, ...args), before]);
        this.notePutBack(moved);
      } catch (error) {
        this.emit('error', error as Error);
      }
    })();
    this.puttingBack = run;
    return run.finally(() => {
      if (this.puttingBack !== run) return;
      this.puttingBack = undefined;
      for (const job of this.undecided.splice(0)) this.begin(job);
    });
  }

  private notePutBack(moved: readonly string[]): void {
    const jobs = new Map<string, number>();
    for (let at = 0; at < moved.length; at += 2) jobs.set(moved[at] ?? '', Number(moved[at + 1]));
    this.putBack = new Map([...this.putBack, ...jobs]);
  }

  /** Whether the job was put back after Redis had sent it. */
  private isPutBack({ id = '', attemptsStarted }: Started): boolean {
    return attemptsStarted <= (this.putBack.get(id) ?? -1);
  }

  private begin(job: Job<Data>): void {
    if (!this.isPutBack(job)) this.onFetched(job);
  }

  private async renew(jobs: readonly (readonly [token: string, job: Started])[]): Promise<ReadonlySet<string>> {
    const args = jobs.flatMap(([token, { id = '', attemptsStarted }]) => [id, token, attemptsStarted]);
    const keys = ['stalled', 'active', 'wait'].map((key) => this.toKey(key));
    const lost = new Set(await scripts.renew.run(this.redis, ...keys, this.toKey(''), lockMs, ...args));
    for (const [token, job] of jobs) {
      const { id = '' } = job;
      if (!lost.has(id)) continue;
      this.onTaken(job);
      if (!this.inProgress.delete(token)) continue; // the job has ended here, or its loss is logged already
      this.cancelJob(id, 'Another worker has started this job.');
      this.onLost(id);
    }
    return lost;
  }

  /** Moves jobs whose worker died back to the waiting jobs. */
  private async search(): Promise<void> {
    while (!this.ending.signal.aborted) {
      try {
        const keys = [this.toKey('searched'), this.toKey('stalled')];
        if ((await scripts.search.run(this.redis, ...keys, searchEveryMs, gapMs, graceMs)) === 1) {
          for (const id of await this.backend.moveStalledJobsToWait()) this.emit('stalled', id, 'active');
        }
      } catch (error) {
        this.emit('error', error as Error);
      }
      await sleep(searchEveryMs, undefined, { signal: this.ending.signal }).catch(() => undefined);
    }
  }

  protected override get Job(): typeof Job {
    return RelockingJob;
  }

  protected override createJob(data: JobJson, jobId: string): Job<Data> {
    const job = super.createJob(data, jobId);
    lengths.set(job, data.data.length);
    this.arrived.add(job);
    if (this.puttingBack === undefined) this.begin(job);
    else this.undecided.push(job);
    return job;
  }

  protected override async callProcessJob(job: Job<Data>, token: string, signal?: AbortSignal): Promise<unknown> {
    this.inProgress.set(token, job);
    try {
      return await super.callProcessJob(job, token, signal);
    } finally {
      this.inProgress.delete(token);
    }
  }

  override async processJob(
    job: Job<Data>,
    token: string,
    fetchNextCallback?: () => boolean,
  ): Promise<void | Job<Data, unknown>> {
    this.fetched.delete(token);
    try {
      while (this.puttingBack !== undefined) await this.puttingBack;
      return this.isPutBack(job) ? undefined : await super.processJob(job, token, fetchNextCallback);
    } finally {
      this.arrived.delete(job);
    }
  }

  /**
   * Fetches the next job, or no job while the previous job has not started. BullMQ would fetch as many jobs as may run at once
   * before it starts the first. When many jobs are added at once, each job would then wait for hundreds of other jobs.
   */
  protected override async moveToActive(token: string, name?: string): Promise<Job<Data>> {
    if (this.fetched.size > 0) return none;
    try {
      const job = await super.moveToActive(token, name);
      if (job !== none) this.fetched.add(token);
      return job;
    } catch (error) {
      await sleep(fetchRetryMs);
      throw error;
    }
  }
}

/** A job that can be completed, failed or moved although its lock has expired, unless another worker has started it. */
class RelockingJob<Data, Result, Name extends string, Progress extends JobProgress> extends Job<
  Data,
  Result,
  Name,
  Progress
> {
  override moveToCompleted(value: Result, token: string, fetchNext?: boolean) {
    return this.withLock(token, () => super.moveToCompleted(value, token, fetchNext));
  }

  override moveToFailed<E extends Error>(error: E, token: string, fetchNext?: boolean) {
    return this.withLock(token, () => super.moveToFailed(error, token, fetchNext));
  }

  override moveToDelayed(timestamp: number, token?: string) {
    return this.withLock(token, () => super.moveToDelayed(timestamp, token));
  }

  override moveToWait(token?: string) {
    // The release comes before the move, because a renewal after the move would make the job active again.
    if (token !== undefined && this.queue instanceof JobWorker) this.queue.release(token);
    return this.withLock(token, () => super.moveToWait(token));
  }

  private async withLock<Result>(token: string | undefined, move: () => Promise<Result>): Promise<Result> {
    const worker = this.queue instanceof JobWorker ? (this.queue as JobWorker<unknown>) : undefined;
    if (token === undefined || worker === undefined) return move();
    try {
      return await move();
    } catch (error) {
      if (!lockErrors.has((error as { code?: unknown }).code) || !(await worker.reclaim(this, token))) throw error;
      return await move();
    } finally {
      worker.release(token);
    }
  }
}
