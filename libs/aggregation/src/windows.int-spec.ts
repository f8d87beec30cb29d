import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freshPrefix, startRedis, testRedisUrl, type LocalRedis } from '@pns/local-servers';
import { itemOf, PayloadTexts, type DueWindow, type Notification } from '@pns/notifications';
import { connectRedis, KeySpace, type RedisClient } from '@pns/redis';
import fc from 'fast-check';
import { contentDigest, idempotencyDigest, priorityFactor, windowKey } from './window-key';
import { Windows, type Batch, type JoinEntry } from './windows';

const delayMs = 1000;
const maxDelayMs = 10_000;
const tickLengthMs = 500;
const shard = 0;

const redis = connectRedis(testRedisUrl());
afterAll(() => redis.quit());

/** Windows on a clock that the test moves. */
function simulated(startAt = 1_000_000, on = redis) {
  const time = { now: startAt };
  const keys = new KeySpace(1, freshPrefix());
  return { time, keys, windows: new Windows(on, keys, () => time.now) };
}

function notification(changes: Partial<Notification> = {}): Notification {
  return {
    id: 'n',
    context: 1,
    user: 14,
    topic: 'ox:mail:new',
    payload: { folder: 'default0/INBOX' },
    priority: 'high',
    timestamp: 0,
    ...changes,
  };
}

function entry(from: Notification, mode: 'equal' | 'latest' | 'collect' = 'equal'): JoinEntry {
  const factor = priorityFactor[from.priority];
  return {
    key: windowKey(mode, from),
    mode,
    delayMs: delayMs * factor,
    maxDelayMs: maxDelayMs * factor,
    item: itemOf(from),
    idempotencyKey: from.idempotencyKey ?? '',
    retentionMs: 3_600_000,
  };
}

const ofUser = (user: number, ...ids: number[]) =>
  ids.map((id) => entry(notification({ user, id: `${user}-${id}`, payload: { id } })));
const idsOf = (batch: Batch) => batch.windows.map(({ notification: { id } }) => id);

describe('windows on one clock', () => {
  it('slide with each similar arrival, and never beyond the cap', async () => {
    const { time, windows } = simulated();
    const opened = time.now;
    const ticks = new Set<number>();
    while (time.now - opened < 12_000) {
      for (const tick of (await windows.join(shard, [entry(notification())], tickLengthMs, 'x')).ticks) ticks.add(tick);
      const batch = await windows.take(shard, `at-${time.now}`, 'me', 10);
      if (batch.windows.length > 0) {
        expect(time.now - opened).toBe(maxDelayMs);
        const sent = { v: 1, ...notification() };
        expect(batch.windows).toEqual([
          {
            windowKey: windowKey('equal', notification()),
            mode: 'equal',
            notification: sent,
            count: 21,
            dueAt: opened + maxDelayMs,
            order: 21,
            size: JSON.stringify(sent).length,
          },
        ]);
        return;
      }
      time.now += 500;
    }
    throw new Error('a stream of similar notifications was never sent');
  });

  it('names a tick for every due time, at or after it', async () => {
    const { time, windows } = simulated(1_000_001);
    const joined = await windows.join(
      shard,
      [entry(notification()), entry(notification({ priority: 'low' }))],
      tickLengthMs,
      'x',
    );
    expect(joined.ticks).toEqual([1_001_500]); // the second entry joins the window of the first, and the shorter delay applies
    expect(joined.clock).toBe(time.now);
  });

  it('distributes the ticks of the shards over the tick length', async () => {
    const now = 1_000_001;
    const windows = new Windows(redis, new KeySpace(4, freshPrefix()), () => now);
    const dueAt = now + entry(notification()).delayMs;
    const ticks: number[] = [];
    for (const each of [0, 1, 2, 3]) {
      const joined = await windows.join(each, [entry(notification())], tickLengthMs, 'x');
      expect(joined.ticks).toEqual([windows.tickFor(each, dueAt, tickLengthMs)]);
      ticks.push(...joined.ticks);
    }
    expect(ticks.map((tick) => tick % tickLengthMs)).toEqual([0, 125, 250, 375]);
    for (const tick of ticks) {
      expect(tick).toBeGreaterThanOrEqual(dueAt);
      expect(tick).toBeLessThan(dueAt + tickLengthMs);
    }
  });

  it('announce one tick for all windows that are due at once, until a batch is taken', async () => {
    const { windows } = simulated();
    const now = (id: string) => ({ ...entry(notification({ payload: { id } })), delayMs: 0 });
    expect((await windows.join(shard, [now('1'), now('2')], tickLengthMs, 'first')).announcedTick).toBe('first');
    expect((await windows.join(shard, [now('3')], tickLengthMs, 'second')).announcedTick).toBeUndefined();
    expect((await windows.take(shard, 'first', 'me', 10)).windows).toHaveLength(3);
    expect((await windows.join(shard, [now('4')], tickLengthMs, 'third')).announcedTick).toBe('third');
  });

  it('have the place of their newest notification, and each join returns the place of its first one', async () => {
    const { time, windows } = simulated();
    const of = (id: string) => entry(notification({ payload: { id } }));
    const join = async (...ids: string[]) => (await windows.join(shard, ids.map(of), tickLengthMs, 'x')).firstPlace;
    expect([await join('a', 'b', 'a'), await join('b'), await join('c')]).toEqual([1, 4, 5]);
    time.now += delayMs;
    const { windows: due } = await windows.take(shard, 'batch', 'me', 10);
    const keys = ['a', 'b', 'c'].map((id) => of(id).key);
    const places = new Map(due.map((window) => [window.windowKey, window.order]));
    expect(keys.map((key) => places.get(key))).toEqual([3, 4, 5]);
    // A later window with the same key has a later place.
    expect(await join('a')).toBe(6);
  });

  it('recognise a repeated id of a producer, for the same user only', async () => {
    const { windows } = simulated();
    const repeated = [1, 1, 2].map((context) => entry(notification({ idempotencyKey: `${context}:14:chosen` })));
    const { statuses } = await windows.join(shard, repeated, tickLengthMs, 'x');
    expect(statuses).toEqual(['accepted', 'duplicate', 'accepted']);
  });

  it('recognise a repeated id of a producer with other content, within one call and later', async () => {
    const { windows } = simulated();
    const withContent = (content: string) => ({ ...entry(notification({ idempotencyKey: 'id' })), content });
    const join = async (...contents: string[]) =>
      (await windows.join(shard, contents.map(withContent), tickLengthMs, 'x')).statuses;
    expect(await join('12', '12', '13')).toEqual(['accepted', 'duplicate', 'reused']);
    expect(await join('13', '12')).toEqual(['reused', 'duplicate']);
  });

  it('name the tick of an open window again for a repeated id, whose first tick may be missing', async () => {
    const { time, windows } = simulated(1_000_001);
    const repeated = entry(notification({ idempotencyKey: 'chosen' }));
    const join = (announcing: string) => windows.join(shard, [repeated], tickLengthMs, announcing);
    const { ticks } = await join('x');
    expect(ticks).toHaveLength(1);
    expect(await join('x')).toMatchObject({ statuses: ['duplicate'], ticks });
    time.now += delayMs;
    expect(await join('now')).toMatchObject({ statuses: ['duplicate'], ticks: [], announcedTick: 'now' });
    await windows.take(shard, 'batch', 'me', 10);
    expect(await join('x')).toMatchObject({ statuses: ['duplicate'], ticks: [] });
    expect((await join('x')).announcedTick).toBeUndefined();
  });

  it('treat an id that an older version stored as a duplicate, whatever its content', async () => {
    const { keys, windows } = simulated();
    await redis.set(`${keys.group(shard)}:id:old`, '1', 'PX', 60_000);
    const repeat = { ...entry(notification({ idempotencyKey: 'old' })), content: '12' };
    expect((await windows.join(shard, [repeat], tickLengthMs, 'x')).statuses).toEqual(['duplicate']);
  });

  it('store an id and its content in few bytes', async () => {
    const { keys, windows } = simulated();
    const one = notification({ idempotencyKey: 'chosen', payload: { long: 'x'.repeat(10_000) } });
    const content = contentDigest(one, new PayloadTexts(one.payload));
    const idempotencyKey = idempotencyDigest('chosen', one);
    await windows.join(shard, [{ ...entry(one), idempotencyKey, content }], tickLengthMs, 'x');
    expect(await redis.object('ENCODING', `${keys.group(shard)}:id:${idempotencyKey}`)).toBe('int');
  });

  it.each([
    [{ context: 1, user: 14 }, ['1:1', '1:141', '11:4', '2:14'], 2],
    [{ context: 1 }, ['11:4', '2:14'], 6],
    [{ context: 4 }, ['1:1', '1:14', '1:141', '11:4', '2:14'], 0],
  ])('are erased with %j, waiting or taken, and windows of others stay', async (owner, others, found) => {
    const { time, windows } = simulated();
    const users = [...others, '1:1', '1:14', '1:141'].map((text) => text.split(':').map(Number) as [number, number]);
    const ofAll = () => users.map(([context, user]) => entry(notification({ context, user })));
    await windows.join(shard, ofAll(), tickLengthMs, 'x');
    time.now += delayMs;
    await windows.take(shard, 'taken', 'a process that dies', 10);
    await windows.join(shard, ofAll(), tickLengthMs, 'x');
    time.now += delayMs;
    expect(await windows.erase(owner)).toEqual({ found, heldBy: [] });
    expect(await windows.erase(owner)).toEqual({ found: 0, heldBy: [] });
    for (const job of ['taken', 'waiting']) {
      const batch = await windows.take(shard, job, 'me', 10);
      const left = batch.windows.map(({ notification: { context, user } }) => `${context}:${user}`);
      expect(left.sort()).toEqual([...others].sort());
      expect(await windows.settle(batch)).toBe('settled');
    }
  });

  it('leave no empty batch when they are erased', async () => {
    const { time, keys, windows } = simulated();
    await windows.join(shard, [entry(notification()), entry(notification({ user: 15 }))], tickLengthMs, 'x');
    time.now += delayMs;
    await windows.take(shard, 'job', 'a process that dies', 10);
    await windows.erase({ context: 1, user: 14 });
    expect(await windows.unsettledBatches(shard, 0)).toEqual(['job']);
    await windows.erase({ context: 1, user: 15 });
    expect(await redis.keys(`${keys.group(shard)}*`)).toEqual([`${keys.group(shard)}:order`]);
  });

  it('give a batch to the next run of its job, and only that run can settle it', async () => {
    const { time, windows } = simulated();
    await windows.join(shard, [entry(notification())], tickLengthMs, 'x');
    time.now += delayMs;
    const first = await windows.take(shard, 'job', 'first owner', 10);
    await windows.join(
      shard,
      [{ ...entry(notification({ payload: { later: true } })), delayMs: 0 }],
      tickLengthMs,
      'x',
    );
    const second = await windows.take(shard, 'job', 'second owner', 10);
    expect(second.windows).toEqual(first.windows);
    expect(await windows.settle(first)).toBe('lost');
    expect(await windows.settle(second)).toBe('settled');
    expect(await windows.settle(second)).toBe('lost');
    expect((await windows.take(shard, 'next', 'me', 10)).windows).toHaveLength(1);
  });

  it('are taken in the order of acceptance, even if they are due in the same ms, for any limit', async () => {
    const { time, windows } = simulated();
    const ids = Array.from({ length: 60 }, (_, index) => index);
    await windows.join(shard, ofUser(14, ...ids.slice(0, 20)), tickLengthMs, 'x');
    await windows.join(shard, ofUser(14, ...ids.slice(20, 40)), tickLengthMs, 'x');
    time.now += 1;
    await windows.join(shard, ofUser(14, ...ids.slice(40)), tickLengthMs, 'x');
    time.now += delayMs;
    const taken: string[] = [];
    for (const limit of [7, 20, 1, 500]) {
      const batch = await windows.take(shard, `job-${limit}`, 'me', limit);
      taken.push(...idsOf(batch));
      await windows.settle(batch);
    }
    expect(taken).toEqual(ids.map((id) => `14-${id}`));
  });

  it('of an older version, which have no order of acceptance, are taken too', async () => {
    const { time, keys, windows } = simulated();
    await windows.join(shard, ofUser(14, 1, 2), tickLengthMs, 'x');
    const spans = `${keys.group(shard)}:spans`;
    for (const [key, span] of Object.entries(await redis.hgetall(spans))) {
      await redis.hset(spans, key, span.split(':').slice(0, 4).join(':'));
    }
    time.now += delayMs;
    const { windows: taken } = await windows.take(shard, 'job', 'me', 10);
    expect(taken.map(({ count, order }) => [count, order])).toEqual([
      [1, undefined],
      [1, undefined],
    ]);
  });

  it('of a user wait while another batch has windows of that user, and then need a tick', async () => {
    const { time, windows } = simulated();
    await windows.join(shard, ofUser(14, 1, 2, 3, 4), tickLengthMs, 'x');
    await windows.join(shard, ofUser(15, 1), tickLengthMs, 'x');
    time.now += delayMs;
    const first = await windows.take(shard, 'first', 'me', 2);
    expect(idsOf(first)).toEqual(['14-1', '14-2']);
    const second = await windows.take(shard, 'second', 'me', 2);
    expect([idsOf(second), second.left]).toEqual([['15-1'], 2]);
    expect(idsOf(await windows.take(shard, 'third', 'me', 2))).toEqual([]);
    // The first batch is taken again after its process died.
    expect(idsOf(await windows.take(shard, 'first', 'another', 2))).toEqual(['14-1', '14-2']);
    expect(await windows.settle(second)).toBe('settled');
    expect(await windows.settle({ ...first, owner: 'another' })).toBe('passed');
    const last = await windows.take(shard, 'last', 'me', 2);
    expect(idsOf(last)).toEqual(['14-3', '14-4']);
    expect(await windows.settle(last)).toBe('settled');
  });

  it('of other users are found behind many windows of a user that another batch has', async () => {
    const { time, windows } = simulated();
    await windows.join(shard, ofUser(14, ...Array.from({ length: 300 }, (_, index) => index)), tickLengthMs, 'x');
    time.now += 1;
    await windows.join(shard, ofUser(15, 1), tickLengthMs, 'x');
    time.now += delayMs;
    await windows.take(shard, 'first', 'me', 100);
    expect(idsOf(await windows.take(shard, 'second', 'me', 100))).toEqual(['15-1']);
  });

  it('of a user can be taken after the batch with windows of that user was erased', async () => {
    const { time, windows } = simulated();
    await windows.join(shard, [...ofUser(14, 1), ...ofUser(15, 1)], tickLengthMs, 'x');
    time.now += delayMs;
    await windows.take(shard, 'first', 'a process that dies', 1);
    await windows.take(shard, 'second', 'me', 1);
    await windows.erase({ context: 1, user: 14 });
    await windows.join(shard, ofUser(14, 2), tickLengthMs, 'x');
    time.now += delayMs;
    expect(idsOf(await windows.take(shard, 'third', 'me', 10))).toEqual(['14-2']);
  });

  it('list the batches that were never settled', async () => {
    const { time, windows } = simulated();
    await windows.join(shard, [entry(notification())], tickLengthMs, 'x');
    time.now += delayMs;
    await windows.take(shard, 'job', 'me', 10);
    time.now += 60_000;
    expect(await windows.unsettledBatches(shard, 60_000)).toEqual(['job']);
    expect(await windows.unsettledBatches(shard, 60_001)).toEqual([]);
  });

  it('leave nothing in Redis once all is settled', async () => {
    const { time, keys, windows } = simulated();
    await windows.join(shard, [entry(notification()), entry(notification({ topic: 'other' }))], tickLengthMs, 'x');
    time.now += delayMs;
    await windows.settle(await windows.take(shard, 'job', 'me', 10));
    expect(await redis.keys(`${keys.group(shard)}*`)).toEqual([`${keys.group(shard)}:order`]);
  });

  const text = { text: 'Zoë sagte: "expiresAt":1' };

  it.each<[string, (number | undefined)[], string, number | undefined]>([
    ['the later one', [2000, 3000], '2', 3000],
    ['the first one of the longest', [3000, 2000, 3000], '1', 3000],
    ['one that never does', [2000, undefined, 3000], '2', undefined],
    ['the first one that never does', [undefined, undefined, 2000], '1', undefined],
  ])('of equal notifications send the one that expires last: %s', async (_, expiries, id, expiresAt) => {
    const { time, windows } = simulated();
    for (const [index, ms] of expiries.entries()) {
      const more = ms === undefined ? {} : { expiresAt: ms };
      const one = notification({ id: `${index + 1}`, payload: text, sourceToken: 'ü"1', ...more });
      await windows.join(shard, [entry(one)], tickLengthMs, 'x');
    }
    time.now += delayMs;
    const [window] = (await windows.take(shard, 'job', 'me', 10)).windows;
    expect(window?.notification).toMatchObject({ id, payload: text, sourceToken: 'ü"1' });
    expect(window?.notification.expiresAt).toBe(expiresAt);
  });

  it.each<['latest' | 'collect', (string | undefined)[], string | undefined]>([
    ['collect', ['tab-1', 'tab-1'], 'tab-1'],
    ['latest', ['ü"1', 'ü"1', 'ü"1'], 'ü"1'],
    ['collect', ['tab-2', 'tab-1'], undefined],
    ['latest', ['tab-1', 'tab-12'], undefined],
    ['latest', [undefined, 'tab-1'], undefined],
    ['collect', ['tab-1', undefined], undefined],
    ['collect', ['tab-2', 'tab-1', 'tab-1'], undefined],
  ])('of mode %s caused by %j leave out %s', async (mode, tokens, sourceToken) => {
    const { time, windows } = simulated();
    for (const [index, token] of tokens.entries()) {
      const more = token === undefined ? {} : { sourceToken: token };
      const one = notification({ id: `${index}`, payload: text, expiresAt: 5000 + index, ...more });
      await windows.join(shard, [entry(one, mode)], tickLengthMs, 'x');
    }
    time.now += delayMs;
    const [window] = (await windows.take(shard, 'job', 'me', 10)).windows;
    const last = tokens.length - 1;
    expect(window?.notification).toMatchObject({ id: `${last}`, payload: text, expiresAt: 5000 + last });
    expect(window?.notification.sourceToken).toBe(sourceToken);
    expect(window?.count).toBe(tokens.length);
  });

  it('count as overdue when they are not taken', async () => {
    const { time, windows } = simulated();
    await windows.join(shard, [entry(notification())], tickLengthMs, 'x');
    time.now += delayMs + tickLengthMs + 1;
    expect((await windows.join(shard, [entry(notification({ topic: 'other' }))], tickLengthMs, 'x')).overdue).toBe(1);
    expect(await windows.overdue(tickLengthMs)).toEqual([1]);
  });

  it('count as overdue when they are taken and not dispatched', async () => {
    const { time, windows } = simulated();
    const ofUsers = (...users: number[]) => users.map((user) => entry(notification({ user })));
    const overdue = async () => {
      const { overdue } = await windows.join(shard, ofUsers(1), tickLengthMs, 'x');
      expect(await windows.overdue(tickLengthMs)).toEqual([overdue]);
      return overdue;
    };
    await windows.join(shard, ofUsers(14, 15, 16, 17, 18, 19), tickLengthMs, 'x');
    time.now += delayMs;
    const first = await windows.take(shard, 'first', 'me', 3);
    time.now += tickLengthMs;
    expect(await overdue()).toBe(0);
    time.now += 1;
    expect(await overdue()).toBe(6); // three in the batch, and three that no batch contains
    const second = await windows.take(shard, 'second', 'me', 2);
    await windows.take(shard, 'first', 'me', 3);
    expect(await overdue()).toBe(6);
    await windows.erase({ context: 1, user: 14 });
    await windows.erase({ context: 1, user: 17 });
    expect(await overdue()).toBe(4);
    await windows.settle(first);
    expect(await overdue()).toBe(1); // the second batch is young
    time.now += tickLengthMs + 1;
    expect(await overdue()).toBe(2);
    await windows.settle(second);
    expect(await overdue()).toBe(1);
  });
});

interface Sent {
  readonly id: string;
  readonly expiresAt?: number | undefined;
  readonly sourceToken?: string | undefined;
}

/** The rules of aggregation on a plain map, as the reference for the scripts. */
class Model {
  private readonly waiting = new Map<
    string,
    { first: number; delay: number; max: number; due: number; count: number; order: number; sent: Sent }
  >();
  private joined = 0;

  join(now: number, { key, mode, delayMs: delay, maxDelayMs: max }: JoinEntry, joined: Sent): void {
    const old = this.waiting.get(key) ?? { first: now, delay, max, count: 0, sent: joined };
    const shortest = { delay: Math.min(old.delay, delay), max: Math.min(old.max, max) };
    this.waiting.set(key, {
      ...shortest,
      first: old.first,
      due: Math.min(now + shortest.delay, old.first + shortest.max),
      count: old.count + 1,
      order: ++this.joined,
      sent: mode === 'equal' ? longerLived(old.sent, joined) : newer(old.sent, joined),
    });
  }

  take(now: number, limit: number): (Sent & { count: number; dueAt: number })[] {
    const due = [...this.waiting].filter(([, window]) => window.due <= now);
    due.sort(([, a], [, b]) => a.due - b.due || a.order - b.order);
    return due.slice(0, limit).map(([key, { sent, count, due: dueAt }]) => {
      this.waiting.delete(key);
      return { ...sent, count, dueAt };
    });
  }

  get size(): number {
    return this.waiting.size;
  }
}

function longerLived(held: Sent, joined: Sent): Sent {
  return (joined.expiresAt ?? Infinity) > (held.expiresAt ?? Infinity) ? joined : held;
}

function newer({ sourceToken }: Sent, joined: Sent): Sent {
  return joined.sourceToken === sourceToken ? joined : { ...joined, sourceToken: undefined };
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      mode: fc.constantFrom('equal' as const, 'latest' as const, 'collect' as const),
      priority: fc.constantFrom('high' as const, 'medium' as const, 'low' as const),
      payload: fc.integer({ min: 1, max: 3 }),
      aggregationKey: fc.constantFrom(undefined, 'inbox'),
      sourceToken: fc.constantFrom(undefined, 'tab-1', 'tab-"ü"'),
      expiresAt: fc.constantFrom(undefined, 999, 1_000_000, 2_000_000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 4000 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      limit: fc.integer({ min: 1, max: 3 }),
      dies: fc.boolean(),
    }),
  },
);

function sentBy({ notification: { id, sourceToken, expiresAt }, count, dueAt }: DueWindow) {
  return { id, sourceToken, expiresAt, count, dueAt };
}

describe('windows in a Redis that nothing else uses', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pns-windows-'));
  let server: LocalRedis;
  let ownRedis: RedisClient;

  beforeAll(async () => {
    server = await startRedis({ dataDir: folder, isDurable: false });
    ownRedis = connectRedis(server.url);
  });

  afterAll(async () => {
    await ownRedis.quit();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  /** Returns the number of changes since the start of Redis. Redis writes each change to the append-only file and to replicas. */
  async function changes(): Promise<number> {
    const found = /rdb_changes_since_last_save:(\d+)/.exec(await ownRedis.info('persistence'));
    return Number(found?.[1]);
  }

  it('are not written while all due windows wait for other batches and this was noted before', async () => {
    const { time, keys, windows } = simulated(1_000_000, ownRedis);
    await windows.join(shard, ofUser(14, 1, 2, 3), tickLengthMs, 'x');
    time.now += delayMs;
    await windows.take(shard, 'first', 'me', 1);
    await windows.take(shard, 'second', 'me', 1);
    expect(await ownRedis.hgetall(`${keys.group(shard)}:holders`)).toMatchObject({
      '1:14': 'first',
      'passed first': '1',
    });
    const before = await changes();
    expect(idsOf(await windows.take(shard, 'third', 'me', 1))).toEqual([]);
    expect(await changes()).toBe(before);
    await windows.take(shard, 'first', 'another', 1);
    expect(await changes()).toBe(before + 1);
  });
});

describe('windows under any sequence of steps', () => {
  it('follow the rules: each notification leaves once, in a window of its kind, in time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const { time, windows } = simulated();
        const model = new Model();
        let joined = 0;
        let left = 0;
        const takeLikeTheModel = async (job: string, limit: number, dies: boolean) => {
          if (dies) await windows.take(shard, job, 'a process that dies', limit);
          const expected = model.take(time.now, limit);
          const batch = await windows.take(shard, job, 'the one that goes on', limit);
          expect(batch.windows.map(sentBy)).toEqual(expected);
          left += batch.windows.reduce((sum, { count }) => sum + count, 0);
          if (batch.windows.length > 0) expect(await windows.settle(batch)).toBe('settled');
        };
        for (const [index, action] of steps.entries()) {
          if (action.kind === 'wait') time.now += action.ms;
          if (action.kind === 'take') await takeLikeTheModel(`job-${index}`, action.limit, action.dies);
          if (action.kind !== 'join') continue;
          const { mode, priority, payload, aggregationKey, sourceToken, expiresAt } = action;
          const one = notification({
            id: `n${index}`,
            priority,
            payload: { payload },
            ...(aggregationKey && { aggregationKey }),
            ...(sourceToken && { sourceToken }),
            ...(expiresAt && { expiresAt }),
          });
          await windows.join(shard, [entry(one, mode)], tickLengthMs, 'x');
          model.join(time.now, entry(one, mode), { id: one.id, sourceToken, expiresAt });
          joined += 1;
        }
        time.now += maxDelayMs * priorityFactor.low;
        for (let round = 0; model.size > 0; round++) await takeLikeTheModel(`last-${round}`, 3, false);
        expect(left).toBe(joined);
        expect((await windows.take(shard, 'nothing', 'me', 10)).windows).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
