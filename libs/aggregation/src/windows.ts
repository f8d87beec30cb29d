import { decodeNotification, type DueWindow, type Item } from '@pns/notifications';
import { aggregationQueue, erasedInAll, heldLocks, jobLock, type Erased, type Origin } from '@pns/queue';
import { LuaScript, type KeySpace, type RedisClient } from '@pns/redis';
import type { Owner } from '@pns/subscriptions';
import { modeOf, windowKeyStart } from './window-key';

/** One notification to join, with how long it may wait. Durations in ms. */
export interface JoinEntry {
  readonly key: string;
  readonly mode: string;
  readonly delayMs: number;
  readonly maxDelayMs: number;
  readonly item: Item;
  /** Digest of the producer's id; empty where it chose none. */
  readonly idempotencyKey: string;
  /** Digest of the content that the id stands for; absent: it may stand for any. */
  readonly content?: string;
  readonly retentionMs: number;
}

/** `duplicate` repeats a producer's id with the same content, `reused` with another one; neither changes anything. */
export type JoinStatus = 'accepted' | 'duplicate' | 'reused';

/** What versions that did not compare the content remember of an id; see join.lua. */
const anyContent = '1';

const statusOfDigit: Readonly<Record<string, JoinStatus>> = { 0: 'duplicate', 1: 'accepted', 2: 'reused' };

/** What joining told: all times are Redis' own, in ms since the epoch. */
export interface Joined {
  readonly clock: number;
  /** Windows that no dispatcher took within a tick of falling due; while any batch is older than a tick, all in batches too. */
  readonly overdue: number;
  /** Set when this call has to add a tick for windows that are due at once. */
  readonly announcedTick?: string;
  /** For each entry, in order. */
  readonly statuses: readonly JoinStatus[];
  /** The times at which ticks are needed. */
  readonly ticks: readonly number[];
}

/** Due windows that a job owns until it settles them. */
export interface Batch {
  readonly shard: number;
  readonly id: string;
  readonly owner: string;
  readonly windows: readonly DueWindow[];
  /** Redis' clock when the batch was taken. */
  readonly clock: number;
  /** Due windows that the batch had no room for. */
  readonly left: number;
  /** When the next window falls due, if one waits. */
  readonly nextDueAt?: number;
}

/**
 * How settling a batch, or the next windows of it, ended. `passed`: all are settled, and due windows of its users were passed
 * over meanwhile, which need a tick now; `lost`: it was given to another owner, who then sends it too.
 */
export type Settled = 'settled' | 'passed' | 'lost';

/** How many windows there are, by how far they are. */
export interface WindowCounts {
  /** Not due yet. */
  readonly waiting: number;
  /** Due, and taken by no dispatcher. */
  readonly due: number;
  /** In batches whose deliveries are being handed over. */
  readonly taken: number;
  /** How long ago the one fell due that has been due for longest, taken or not, in ms; 0 when none is. */
  readonly oldestDueMs: number;
}

/**
 * The windows of similar notifications. Each step is one atomic script over one shard's key group, safe to repeat: join
 * opens or slides, take moves due windows to a batch that a job owns, settle forgets the batch.
 */
export class Windows {
  /** `clock` replaces Redis' time, for tests of the rules. */
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: KeySpace,
    private readonly clock: () => number | '' = () => '',
  ) {}

  /** Joins up to some hundreds of notifications of one shard. `announcing` names the tick to add if one is due at once. */
  async join(shard: number, entries: readonly JoinEntry[], tickLengthMs: number, announcing: string): Promise<Joined> {
    const group = this.keys.group(shard);
    const args: (string | number)[] = [this.clock(), tickLengthMs, announcing, `${group}:id:`];
    for (const { key, mode, delayMs, maxDelayMs, retentionMs, item, idempotencyKey, content = anyContent } of entries) {
      const rule = `${mode} ${delayMs} ${maxDelayMs} ${retentionMs} ${item.expiryAt}`;
      args.push(key, rule, item.text, idempotencyKey === '' ? '' : `${idempotencyKey} ${content}`);
    }
    const [clock, overdue, announced, digits, ...ticks] = await scripts.join.run(
      this.redis,
      ...windowKeys(group),
      `${group}:order`,
      ...args,
    );
    return {
      clock: Number(clock),
      overdue: Number(overdue),
      statuses: Array.from(String(digits), (digit) => statusOfDigit[digit] ?? 'accepted'),
      ticks: ticks.map(Number),
      ...(announced === '' ? {} : { announcedTick: String(announced) }),
    };
  }

  /**
   * Takes what is due, or what the batch `id` already holds, in the order of acceptance, and makes `owner` the one who may settle
   * it. Windows of a user of whom another batch has some stay where they are until that one is settled.
   */
  async take(shard: number, id: string, owner: string, limit: number): Promise<Batch> {
    const group = this.keys.group(shard);
    const [clock, left, nextDueAt, ...held] = await scripts.take.run(
      this.redis,
      ...windowKeys(group),
      `${group}:batch:${id}`,
      `${group}:holders`,
      this.clock(),
      id,
      owner,
      limit,
    );
    const windows: DueWindow[] = [];
    for (let at = 0; at < held.length; at += 4) {
      const [, , , count, order] = String(held[at + 2]).split(':');
      windows.push({
        mode: modeOf(String(held[at])),
        notification: decodeNotification(String(held[at + 3])),
        count: Number(count),
        dueAt: Number(held[at + 1]),
        size: String(held[at + 3]).length,
        ...(order === undefined ? {} : { order: Number(order) }),
      });
    }
    return {
      shard,
      id,
      owner,
      windows,
      clock: Number(clock),
      left: Number(left),
      ...(nextDueAt === '' ? {} : { nextDueAt: Number(nextDueAt) }),
    };
  }

  /** Forgets the batch. */
  settle({ shard, id, owner }: Pick<Batch, 'shard' | 'id' | 'owner'>): Promise<Settled> {
    const keys = batchKeys(this.keys.group(shard), id);
    return scripts.settle.run(this.redis, keys.length, ...keys, id, owner, '');
  }

  /** Settles the next `count` windows of a batch in one step with the jobs that they are handed over in. */
  settling({ shard, id, owner }: Batch, left: number, count: number): Origin<Settled> {
    const keys = batchKeys(this.keys.group(shard), id);
    return {
      list: `${this.keys.group(shard)}:batch:${id}`,
      first: owner,
      length: 1 + 4 * left,
      answers: ['settled', 'passed', 'lost'],
      taken: (jobs) => ({ lua: scripts.settle.source, keys: [...keys, ...jobs], args: [id, owner, count] }),
    };
  }

  /** Whether the batch still belongs to its owner; windows may have been erased from it. */
  async isOwned({ shard, id, owner }: Pick<Batch, 'shard' | 'id' | 'owner'>): Promise<boolean> {
    return (await this.redis.lindex(`${this.keys.group(shard)}:batch:${id}`, 0)) === owner;
  }

  /** The ids of batches that were taken at least `ageMs` ago and are not settled. */
  async unsettledBatches(shard: number, ageMs: number): Promise<string[]> {
    return this.redis.zrangebyscore(`${this.keys.group(shard)}:batches`, '-inf', (await this.now()) - ageMs);
  }

  /** Counts the windows of all shards, in one round trip. */
  async counts(): Promise<WindowCounts> {
    const ofShards = await Promise.all(
      this.keys.all().map((shard) => {
        const group = this.keys.group(shard);
        return scripts.count.run(this.redis, `${group}:due`, `${group}:batches`, this.clock(), `${group}:batch:`);
      }),
    );
    const total = { waiting: 0, due: 0, taken: 0, oldestDueMs: 0 };
    for (const [clock, waiting, due, taken, oldest] of ofShards) {
      total.waiting += Number(waiting);
      total.due += Number(due);
      total.taken += Number(taken);
      if (oldest !== '') total.oldestDueMs = Math.max(total.oldestDueMs, Number(clock) - Number(oldest));
    }
    return total;
  }

  /** How many windows of each shard are overdue, as joining tells, in one round trip. */
  async overdue(tickLengthMs: number): Promise<number[]> {
    const ofShards = await Promise.all(this.keys.all().map((shard) => this.join(shard, [], tickLengthMs, '')));
    return ofShards.map(({ overdue }) => overdue);
  }

  /** Erases the owner's windows, those that wait and those in batches, a thousand at a time. */
  async erase(owner: Owner): Promise<Erased> {
    const steps: Erased[] = [];
    for (const shard of this.keys.shardsOf(owner)) {
      // In the order in which windows move on, so that none slips by.
      steps.push(await this.eraseWaiting(shard, windowKeyStart(owner)));
      steps.push(await this.eraseTaken(shard, windowKeyStart(owner)));
    }
    return erasedInAll(steps);
  }

  private async eraseWaiting(shard: number, keyStart: string): Promise<Erased> {
    const [due, items, spans] = windowKeys(this.keys.group(shard)) as [string, string, string];
    let found = 0;
    for await (const scanned of this.redis.zscanStream(due, { match: `${keyStart}*`, count: 1000 })) {
      const windows = (scanned as string[]).filter((_, index) => index % 2 === 0); // each is followed by its score
      if (windows.length === 0) continue;
      await this.redis
        .multi()
        .zrem(due, ...windows)
        .hdel(items, ...windows)
        .hdel(spans, ...windows)
        .exec();
      found += windows.length;
    }
    return { found, heldBy: [] };
  }

  private async eraseTaken(shard: number, keyStart: string): Promise<Erased> {
    const group = this.keys.group(shard);
    const locks: string[] = [];
    let found = 0;
    for (const id of await this.redis.zrange(`${group}:batches`, 0, -1)) {
      const erased = await scripts.erase.run(this.redis, ...batchKeys(group, id), id, keyStart);
      if (erased > 0) locks.push(jobLock(group, aggregationQueue, id));
      found += erased;
    }
    return { found, heldBy: await heldLocks(this.redis, locks) };
  }

  private async now(): Promise<number> {
    const [seconds, microseconds] = await this.redis.time();
    return this.clock() || Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  }
}

type Answer = (string | number)[];

const scripts = {
  join: new LuaScript<Answer>({ folder: __dirname, name: 'join', numberOfKeys: 7 }),
  take: new LuaScript<Answer>({ folder: __dirname, name: 'take', numberOfKeys: 8 }),
  settle: new LuaScript<Settled>({ folder: __dirname, name: 'settle' }),
  erase: new LuaScript<number>({ folder: __dirname, name: 'erase', numberOfKeys: 4 }),
  count: new LuaScript<Answer>({ folder: __dirname, name: 'count', numberOfKeys: 2 }),
};

function windowKeys(group: string): string[] {
  return ['due', 'items', 'spans', 'now', 'batches', 'taken'].map((name) => `${group}:${name}`);
}

function batchKeys(group: string, id: string): string[] {
  return ['batches', 'taken', `batch:${id}`, 'holders'].map((name) => `${group}:${name}`);
}
