import { decodeNotification, type DueWindow, type Item, type Notification } from '@pns/notifications';
import { aggregationQueue, erasedInAll, heldLocks, jobLock, type Erased, type Origin } from '@pns/queue';
import { LuaScript, type KeySpace, type RedisClient } from '@pns/redis';
import type { OpenSpan } from '@pns/runtime';
import type { Owner } from '@pns/subscriptions';
import { modeOf, windowKeyStart } from './window-key';

/** A notification to join, and how long it may wait. Durations in ms. */
export interface JoinEntry {
  readonly key: string;
  readonly mode: string;
  readonly delayMs: number;
  readonly maxDelayMs: number;
  readonly item: Item;
  /** Digest of the producer's id; empty without an id. */
  readonly idempotencyKey: string;
  /** Digest of the content; without it, any repeat of the id is a duplicate. */
  readonly content?: string;
  readonly retentionMs: number;
  /** The notification, unless its history is off. */
  readonly recorded?: Notification | undefined;
  /** Whether the history records only failures of the notification. */
  readonly isCountedOnly?: boolean;
  /** The span of the join, if the notification is traced. */
  readonly span?: OpenSpan | undefined;
}

/**
 * `duplicate`: the producer's id was used before with the same content. `reused`: the id was used before with other content. In
 * both cases, no window changes.
 */
export type JoinStatus = 'accepted' | 'duplicate' | 'reused';

/** The value that earlier versions stored with an id instead of the digest of the content; see join.lua. */
const anyContent = '1';

const statusOfDigit: Readonly<Record<string, JoinStatus>> = { 0: 'duplicate', 1: 'accepted', 2: 'reused' };

/** The result of a join. All times are on Redis' clock, in ms since the epoch. */
export interface Joined {
  readonly clock: number;
  /**
   * Windows that have been due for longer than a tick and are not taken; while any batch is older than a tick, also all windows in
   * batches.
   */
  readonly overdue: number;
  /** The id of the tick that the caller must add for windows that are due at once. */
  readonly announcedTick?: string;
  /** The place of the first entry in the order of acceptance of the shard. The other entries follow. */
  readonly firstPlace: number;
  /** The status of each entry, in the order of the entries. */
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
  /** Due windows that did not fit into the batch. */
  readonly left: number;
  /** False when an earlier run of the job took the batch. */
  readonly isNew: boolean;
  /** When the next window falls due, if one waits. */
  readonly nextDueAt?: number;
}

/**
 * The result of settling a batch or its next windows. `passed`: all windows are settled, and due windows of the same users were
 * skipped meanwhile and need a tick now. `lost`: nothing was settled, because the batch has another owner, is settled already, or
 * windows were erased from it.
 */
export type Settled = 'settled' | 'passed' | 'lost';

/** The number of windows by state. */
export interface WindowCounts {
  /** Windows that are not due yet. */
  readonly waiting: number;
  /** Windows that are due and in no batch. */
  readonly due: number;
  /** Windows in batches, whose deliveries are being created. */
  readonly taken: number;
  /** How long the oldest due window, taken or not, has been due, in ms; 0 without due windows. */
  readonly oldestDueMs: number;
}

/**
 * The windows of similar notifications. Each step is one atomic script on the key group of one shard and is safe to repeat.
 * `join` opens a window or extends it, `take` moves due windows to a batch that a job owns, and `settle` deletes the batch.
 */
export class Windows {
  /** `clock` replaces Redis' clock in tests. */
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: KeySpace,
    private readonly clock: () => number | '' = () => '',
  ) {}

  /**
   * The time of the tick for a window of the shard that falls due at `dueAt`, in ms since the epoch. The ticks of the shards are
   * distributed over the tick length. With all ticks at once, the windows of the last shard waited until those of the other shards
   * were dispatched.
   */
  tickFor(shard: number, dueAt: number, tickLengthMs: number): number {
    const offsetMs = this.tickOffsetMs(shard, tickLengthMs);
    return Math.ceil((dueAt - offsetMs) / tickLengthMs) * tickLengthMs + offsetMs;
  }

  private tickOffsetMs(shard: number, tickLengthMs: number): number {
    return Math.floor((shard / this.keys.shards) * tickLengthMs);
  }

  /** Joins up to some hundreds of notifications of one shard. `announcing` is the id for a tick that is needed at once. */
  async join(shard: number, entries: readonly JoinEntry[], tickLengthMs: number, announcing: string): Promise<Joined> {
    const group = this.keys.group(shard);
    const offsetMs = this.tickOffsetMs(shard, tickLengthMs);
    const args: (string | number)[] = [this.clock(), tickLengthMs, offsetMs, announcing, `${group}:id:`];
    for (const { key, mode, delayMs, maxDelayMs, retentionMs, item, idempotencyKey, content = anyContent } of entries) {
      const rule = `${mode} ${delayMs} ${maxDelayMs} ${retentionMs} ${item.expiryAt}`;
      args.push(key, rule, item.text, idempotencyKey === '' ? '' : `${idempotencyKey} ${content}`);
    }
    const [clock, overdue, announced, digits, placeBefore, ...ticks] = await scripts.join.run(
      this.redis,
      ...windowKeys(group),
      `${group}:order`,
      ...args,
    );
    return {
      clock: Number(clock),
      overdue: Number(overdue),
      firstPlace: Number(placeBefore) + 1,
      statuses: Array.from(String(digits), (digit) => statusOfDigit[digit] ?? 'accepted'),
      ticks: ticks.map(Number),
      ...(announced === '' ? {} : { announcedTick: String(announced) }),
    };
  }

  /**
   * Takes due windows, or the windows that the batch `id` already has, in the order of acceptance, and makes `owner` the owner of
   * the batch. If another batch has windows of a user, further windows of this user wait until that batch is settled.
   */
  async take(shard: number, id: string, owner: string, limit: number): Promise<Batch> {
    const group = this.keys.group(shard);
    const [clock, left, nextDueAt, isNew, ...held] = await scripts.take.run(
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
        windowKey: String(held[at]),
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
      isNew: isNew === 1,
      ...(nextDueAt === '' ? {} : { nextDueAt: Number(nextDueAt) }),
    };
  }

  /** Settles all windows of a batch and deletes the batch. */
  settle({ shard, id, owner }: Pick<Batch, 'shard' | 'id' | 'owner'>): Promise<Settled> {
    const keys = batchKeys(this.keys.group(shard), id);
    return scripts.settle.run(this.redis, keys.length, ...keys, id, owner, '');
  }

  /**
   * Returns the step that settles the next `count` windows of a batch in the transaction that adds their delivery jobs. `left` is
   * the number of windows that are not settled yet.
   */
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

  /** Whether `owner` still owns the batch, even if windows were erased from it. */
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

  /** Returns the number of overdue windows of each shard, as in `Joined.overdue`, in one round trip. */
  async overdue(tickLengthMs: number): Promise<number[]> {
    const ofShards = await Promise.all(this.keys.all().map((shard) => this.join(shard, [], tickLengthMs, '')));
    return ofShards.map(({ overdue }) => overdue);
  }

  /** Erases the owner's waiting windows, about a thousand at a time, and the owner's windows in batches. */
  async erase(owner: Owner): Promise<Erased> {
    const steps: Erased[] = [];
    for (const shard of this.keys.shardsOf(owner)) {
      // Waiting windows are erased first, because a window that moves to a batch meanwhile is then found in the batch.
      steps.push(await this.eraseWaiting(shard, windowKeyStart(owner)));
      steps.push(await this.eraseTaken(shard, windowKeyStart(owner)));
    }
    return erasedInAll(steps);
  }

  private async eraseWaiting(shard: number, keyStart: string): Promise<Erased> {
    const [due, items, spans] = windowKeys(this.keys.group(shard)) as [string, string, string];
    let found = 0;
    for await (const scanned of this.redis.zscanStream(due, { match: `${keyStart}*`, count: 1000 })) {
      const windows = (scanned as string[]).filter((_, index) => index % 2 === 0); // each key is followed by its score
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
