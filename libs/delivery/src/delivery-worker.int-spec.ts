import { once } from 'node:events';
import type { INestApplicationContext } from '@nestjs/common';
import { eventually } from '@pns/local-servers/waiting';
import { FailedDeliveryStore, SubscriptionStore } from '@pns/persistence';
import { deliveryQueue, Queues, type DeliveryJob } from '@pns/queue';
import { subscriberOf } from '@pns/redis';
import { log, metrics, shutdownTimeoutMs } from '@pns/runtime';
import type { Outcome } from '@pns/transport-contract';
import { DataSource } from 'typeorm';
import { retryFailed } from './retry-failed';
import { deliveryStage, send, subscribe, updateAt } from './testing/delivery-stage';
import { FarSide } from './testing/far-side';

log.level = 'silent';

const { worker, close, delivery } = deliveryStage();

/** The number of reported attempts by outcome. */
async function countedOutcomes(): Promise<Readonly<Record<string, number>>> {
  const text = await metrics.getSingleMetricAsString('pns_deliveries_total');
  const counts = text.matchAll(/transport="webhook",outcome="(\w+)"\} (\d+)/g);
  return Object.fromEntries([...counts].map(([, outcome, count]) => [String(outcome), Number(count)]));
}

type Counts = Awaited<ReturnType<typeof countedOutcomes>>;

function difference(after: Counts, before: Counts): Counts {
  return Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]));
}

async function valueOf(name: 'pns_end_to_end_seconds_sum' | 'pns_delivery_duration_seconds_count'): Promise<number> {
  const text = await metrics.getSingleMetricAsString(name.replace(/_[a-z]+$/, ''));
  return Number(new RegExp(`^${name}\\{transport="webhook"\\} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** Stops a worker as if the time for deliveries in flight were over. */
async function closeAtOnce(app: INestApplicationContext): Promise<void> {
  const realSetTimeout = setTimeout;
  const haste = jest
    .spyOn(globalThis, 'setTimeout')
    .mockImplementation(((...[run, ms, ...args]: Timer) =>
      realSetTimeout(run, ms === shutdownTimeoutMs - 5000 ? 0 : ms, ...args)) as typeof setTimeout);
  await close(app);
  haste.mockRestore();
}

type Timer = [run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]];

const delivered: Outcome = { kind: 'delivered' };
const hourMs = 60 * 60 * 1000;

/** The number of counted attempts with any outcome. */
async function attemptsSoFar(): Promise<number> {
  return Object.values(await countedOutcomes()).reduce((sum, count) => sum + count, 0);
}

describe('the delivery stage', () => {
  it('retries a delivery under the same id, without delaying its batch', async () => {
    const farSide = new FarSide(({ id, attempt }) =>
      id === 'slow' && attempt === 1 ? { kind: 'retry', reason: 'busy' } : { kind: 'delivered' },
    );
    await send(await worker(farSide), [delivery({ id: 'slow' }), delivery({ id: 'quick' })]);
    await farSide.until((came) => came.length === 3);
    expect(farSide.came.map(({ id, attempt }) => `${id} ${attempt}`)).toEqual(['slow 1', 'quick 1', 'slow 2']);
  });

  it('lets the process do other work between deliveries that each take long to prepare', async () => {
    let turns = 0;
    const count = (): void => {
      turns++;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    const turnsAtStart: number[] = [];
    const farSide = new FarSide(() => {
      turnsAtStart.push(turns);
      const end = performance.now() + 20;
      while (performance.now() < end); // a template and the largest payload take this long on a busy machine
      return delivered;
    });
    const deliveries = Array.from({ length: 10 }, (_, index) => delivery({ id: `long ${index}` }));
    await send(await worker(farSide), deliveries);
    await farSide.until((came) => came.length === 10);
    clearImmediate(immediate);
    expect(new Set(turnsAtStart).size).toBe(10);
  });

  it('does not delay a batch because of one target that asks for an hour', async () => {
    const farSide = new FarSide(({ id, attempt }) => {
      if (attempt === 2) return { kind: 'delivered' };
      return { kind: 'retry', reason: 'busy', ...(id === 'patient' ? { afterMs: 3_600_000 } : {}) };
    });
    await send(await worker(farSide), [delivery({ id: 'patient' }), delivery({ id: 'eager' })]);
    await farSide.until((came) => came.length === 3);
    expect(farSide.came.map(({ id, attempt }) => `${id} ${attempt}`)).toEqual(['patient 1', 'eager 1', 'eager 2']);
  });

  it('retries the deliveries of a batch with about the same wait in one job', async () => {
    const farSide = new FarSide(() => ({ kind: 'retry', reason: 'deferred', afterMs: 60_001 + Math.random() * 900 }));
    const app = await worker(farSide);
    const ids = Array.from({ length: 50 }, (_, index) => `put off ${index}`);
    await send(
      app,
      ids.map((id) => delivery({ id })),
      'https://deferred.example',
    );
    const queues = app.get(Queues, { strict: false });
    const queue = queues.queue<DeliveryJob>(queues.keys.group(0), deliveryQueue('webhook'));
    const job = await eventually('the retries are enqueued', async () =>
      (await queue.getDelayed()).find(({ data }) => data.endpoint === 'https://deferred.example'),
    );
    expect(job.data.deliveries.map(({ id, attempt }) => `${id} ${attempt}`)).toEqual(ids.map((id) => `${id} 2`));
    expect(job.delay).toBeGreaterThan(60_000);
    await job.remove();
  });

  it('retries a waiting delivery any number of times', async () => {
    const farSide = new FarSide(({ attempt }) =>
      attempt === 3 ? { kind: 'retry', reason: 'waits', afterMs: 1, isWaiting: true } : { kind: 'delivered' },
    );
    await send(await worker(farSide), [delivery({ attempt: 3 })]);
    await farSide.until((came) => came.some(({ attempt }) => attempt === 4));
  });

  it('does not count or record a deferred delivery as an attempt, however often it is deferred', async () => {
    let looks = 0;
    const farSide = new FarSide(({ id }) =>
      id === 'deferred' && ++looks <= 5 ? { kind: 'retry', reason: 'open', afterMs: 1, isDeferred: true } : delivered,
    );
    const before = await attemptsSoFar();
    await send(await worker(farSide), [delivery({ id: 'deferred', attempt: 3 }), delivery({ id: 'beside' })]);
    await farSide.until((came) => came.length === 7);
    const came = farSide.came.filter(({ id }) => id === 'deferred');
    expect(came.map(({ attempt }) => attempt)).toEqual([3, 3, 3, 3, 3, 3]);
    expect(new Set(came.slice(1).map(({ deferredSince }) => deferredSince)).size).toBe(1);
    await eventually('two attempts are counted', async () => (await attemptsSoFar()) === before + 2);
  });

  it('gives a delivery that was deferred and then fails its full number of attempts', async () => {
    let looks = 0;
    const farSide = new FarSide(() =>
      ++looks === 2
        ? { kind: 'retry', reason: 'open', afterMs: 1, isDeferred: true }
        : { kind: 'retry', reason: 'HTTP 503' },
    );
    const app = await worker(farSide);
    await send(app, [delivery({ id: 'tried' })]);
    await eventually('tried is stored as failed', () => app.get(FailedDeliveryStore, { strict: false }).get('tried'));
    expect(farSide.came.map(({ attempt }) => attempt)).toEqual([1, 2, 2, 3]);
  });

  it('ends the deferral of a delivery with an attempt that fails, and not with one that waits', async () => {
    const farSide = new FarSide(({ id, attempt }) => {
      if (attempt > 1) return delivered;
      return { kind: 'retry', reason: 'again', afterMs: 1, ...(id === 'waits' && { isWaiting: true }) };
    });
    const since = Date.now() - hourMs;
    const both = ['fails', 'waits'].map((id) => delivery({ id, deferredSince: since, sparedSince: since }));
    await send(await worker(farSide), both);
    await farSide.until((came) => came.length === 4);
    const again = farSide.came.filter(({ attempt }) => attempt === 2);
    const ofFirst = again.find(({ id }) => id === 'fails');
    expect(ofFirst).not.toHaveProperty('deferredSince');
    expect(ofFirst).not.toHaveProperty('sparedSince');
    expect(again.find(({ id }) => id === 'waits')).toMatchObject({ deferredSince: since });
  });

  it('defers a delivery for at least a quarter of the time for which it was deferred already', async () => {
    const farSide = new FarSide(() => ({ kind: 'retry', reason: 'open', afterMs: 1, isDeferred: true }));
    const app = await worker(farSide);
    const deferredSince = Date.now() - hourMs;
    await send(app, [delivery({ id: 'long', deferredSince })], 'https://away.example');
    const queues = app.get(Queues, { strict: false });
    const queue = queues.queue<DeliveryJob>(queues.keys.group(0), deliveryQueue('webhook'));
    const job = await eventually('the deferred deliveries are enqueued', async () =>
      (await queue.getDelayed()).find(({ data }) => data.endpoint === 'https://away.example'),
    );
    expect(job.data.deliveries).toMatchObject([{ id: 'long', deferredSince, attempt: 1 }]);
    expect(job.delay).toBeGreaterThanOrEqual(hourMs / 4);
    await job.remove();
  });

  it('defers each delivery of a job for its own time', async () => {
    let looks = 0;
    const farSide = new FarSide(({ id }) => {
      if (id !== 'of a paused URI' && ++looks > 2) return delivered;
      const afterMs = id === 'of a paused URI' ? hourMs : 1;
      return { kind: 'retry', reason: 'a pause', afterMs, isDeferred: true };
    });
    const app = await worker(farSide);
    const deliveries = [delivery({ id: 'of a paused URI' }), delivery({ id: 'one' }), delivery({ id: 'two' })];
    await send(app, deliveries, 'https://shared.example');
    // Deliveries `one` and `two` are sent twice, while the first delivery waits.
    await farSide.until((came) => came.length === 5);
    expect(farSide.came.filter(({ id }) => id === 'of a paused URI')).toHaveLength(1);
    const queues = app.get(Queues, { strict: false });
    const queue = queues.queue<DeliveryJob>(queues.keys.group(0), deliveryQueue('webhook'));
    const [job] = (await queue.getDelayed()).filter(({ data }) => data.endpoint === 'https://shared.example');
    expect(job?.data.deliveries).toMatchObject([{ id: 'of a paused URI', attempt: 1 }]);
    expect(job?.delay).toBeGreaterThanOrEqual(hourMs);
    await job?.remove();
  });

  it('lets a delivery expire after a day of deferral, and starts a new day when it is sent again', async () => {
    let isOpen = true;
    const farSide = new FarSide(() =>
      isOpen ? { kind: 'retry', reason: 'open', afterMs: 1, isDeferred: true } : delivered,
    );
    const app = await worker(farSide);
    const store = app.get(FailedDeliveryStore, { strict: false });
    await send(app, [delivery({ id: 'endless', deferredSince: Date.now() - 24 * hourMs })]);
    const failed = await eventually('endless is stored as failed', () => store.get('endless'));
    expect(failed).toMatchObject({ outcome: 'expired', delivery: { attempt: 1 } });
    isOpen = false;
    await retryFailed(app.get(Queues, { strict: false }), store, { ids: ['endless'] }, 1);
    await farSide.until((came) => came.length === 2);
    expect(farSide.came[1]).not.toHaveProperty('deferredSince');
  });

  it('reports to the sender of a test push that its delivery was deferred', async () => {
    const farSide = new FarSide(() => ({ kind: 'retry', reason: 'open', afterMs: 1, isDeferred: true }));
    const app = await worker(farSide);
    const subscriber = subscriberOf(app.get(Queues, { strict: false }).redis, 'deferred-test');
    await subscriber.listen();
    const counted = once(subscriber, 'message') as Promise<[string, string]>;
    await send(app, [delivery({ replyTo: 'deferred-test' })]);
    expect(JSON.parse((await counted)[1])).toMatchObject({ kind: 'retry', reason: 'open' });
    subscriber.disconnect();
  });

  it('stores a delivery completely after its last attempt failed', async () => {
    const farSide = new FarSide(() => ({ kind: 'retry', reason: 'HTTP 503' }));
    const app = await worker(farSide);
    await send(app, [delivery({ id: 'hopeless' })]);
    const failed = await eventually('hopeless is stored as failed', () =>
      app.get(FailedDeliveryStore, { strict: false }).get('hopeless'),
    );
    expect(failed).toMatchObject({
      outcome: 'exhausted',
      reason: 'HTTP 503',
      delivery: { id: 'hopeless', attempt: 3 },
    });
    expect(farSide.came).toHaveLength(3);
  });

  it('retires the subscription of a target that is gone, and no other', async () => {
    const farSide = new FarSide(() => ({ kind: 'gone', reason: 'HTTP 410' }));
    const app = await worker(farSide);
    const store = app.get(SubscriptionStore, { strict: false });
    const register = (token: string) => subscribe(app, { token });
    const [dead, alive] = [await register('https://example.com/dead'), await register('https://example.com/alive')];
    await send(app, [delivery({ id: 'to-the-dead', subscriptionId: dead })]);
    await eventually('the dead subscription is removed', async () => (await store.get(dead)) === undefined);
    expect(await store.get(alive)).toBeDefined();
  });

  it('keeps a subscription that was registered again after its target was gone', async () => {
    const ids = new Map<string, string>();
    const minute = 60_000;
    const day = 86_400_000;
    const since = new Map([
      ['registered before it was dead', Date.now() + minute],
      ['registered since it was dead', Date.now() - minute],
      ['registered a day ago, and dead before', Date.now() - 2 * day],
    ]);
    const farSide = new FarSide(async ({ id }) => {
      if (id === 'registered meanwhile') await updateAt(database, await register(id), Date.now() + minute);
      const deadSince = since.get(id);
      return { kind: 'gone', reason: 'HTTP 410', ...(deadSince !== undefined && { since: deadSince }) };
    });
    const app = await worker(farSide);
    const [database, store] = [app.get(DataSource, { strict: false }), app.get(SubscriptionStore, { strict: false })];
    const register = (name: string) => subscribe(app, { token: `https://example.com/${name}` });
    for (const name of ['not registered again', 'registered meanwhile', ...since.keys()]) {
      ids.set(name, await register(name));
    }
    await updateAt(database, ids.get('registered a day ago, and dead before') ?? '', Date.now() - day - minute);
    await send(
      app,
      [...ids].map(([id, subscriptionId]) => delivery({ id, subscriptionId })),
    );
    const live = () => store.liveAmong([...ids.values()]);
    // One statement removes all dead subscriptions, so it is enough to wait for one of them.
    await eventually(
      'the dead subscriptions are removed',
      async () => !(await live()).has(ids.get('not registered again') ?? ''),
    );
    const kept = await live();
    expect([...ids.keys()].filter((name) => kept.has(ids.get(name) ?? ''))).toEqual([
      'registered meanwhile',
      'registered since it was dead',
    ]);
  });

  it.each<[Outcome, string]>([
    [{ kind: 'rejected', reason: 'HTTP 400' }, 'HTTP 400'],
    [{ kind: 'misconfigured', reason: 'HTTP 401', isTargetOnly: true }, 'HTTP 401'],
  ])('keeps a delivery that ended as %j and its subscription', async (outcome, reason) => {
    const app = await worker(new FarSide(() => outcome));
    await send(app, [delivery({ id: `ended-${outcome.kind}` })]);
    const failed = await eventually('the delivery is stored as failed', () =>
      app.get(FailedDeliveryStore, { strict: false }).get(`ended-${outcome.kind}`),
    );
    expect(failed).toMatchObject({ outcome: outcome.kind, reason });
  });

  it('holds the deliveries of a client whose credentials are refused, and sends them after a correction', async () => {
    let options: object = { key: 'revoked' };
    const farSide = new FarSide(({ client }) =>
      client === 'shop' && options === revoked
        ? { kind: 'misconfigured', reason: 'InvalidKey' }
        : { kind: 'delivered' },
    );
    const revoked = options;
    farSide.options = (client) => (client === 'shop' ? options : undefined);
    const app = await worker(farSide);
    const store = app.get(FailedDeliveryStore, { strict: false });
    const ids = ['shop-1', 'shop-2', 'shop-3'];
    await send(app, [delivery({ id: 'shop-1', client: 'shop' })], 'shop');
    await eventually('shop-1 is stored as failed', () => store.get('shop-1'));
    await send(app, [delivery({ id: 'shop-2', client: 'shop' }), delivery({ id: 'shop-3', client: 'shop' })], 'shop');
    await send(app, [delivery({ id: 'mail-1', client: 'mail' })], 'mail');
    await farSide.until((came) => came.some(({ id }) => id === 'mail-1'));
    await eventually('shop-3 is stored as failed', () => store.get('shop-3'));
    expect(farSide.came.map(({ id }) => id)).toEqual(['shop-1', 'mail-1']);
    expect(await store.heldClients()).toMatchObject([
      { client: 'shop', transport: 'webhook', deliveries: 3, reason: 'InvalidKey' },
    ]);
    expect(await metrics.metrics()).toContain('pns_transport_paused{transport="webhook",client="shop"} 1');

    options = { key: 'new' };
    await farSide.until((came) => came.length === 5);
    expect(
      farSide.came
        .slice(2)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(ids);
    expect(farSide.came.every(({ attempt }) => attempt === 1)).toBe(true);
    await eventually('no client is held', async () => (await store.heldClients()).length === 0);
    expect(await metrics.metrics()).not.toContain('client="shop"');
  });

  it('holds deliveries of a client without an entry until it gets one, and does not report its name', async () => {
    let isSetUp = false;
    const farSide = new FarSide(({ client }) =>
      client === 'stranger' && !isSetUp ? { kind: 'misconfigured', reason: 'no such client' } : { kind: 'delivered' },
    );
    const options = { key: 'any' };
    let asked = 0;
    farSide.options = (client) => {
      if (client === 'stranger') asked++;
      return client === 'stranger' && !isSetUp ? undefined : options;
    };
    const app = await worker(farSide);
    await send(app, [delivery({ id: 'early', client: 'stranger' })], 'stranger');
    await eventually('early is stored as failed', () => app.get(FailedDeliveryStore, { strict: false }).get('early'));
    expect(await metrics.metrics()).not.toContain('client="stranger"');
    const before = asked;
    await eventually('the options are read again', () => asked >= before + 2);
    expect(farSide.came).toHaveLength(1);
    isSetUp = true;
    await farSide.until((came) => came.length === 2);
    expect(farSide.came.map(({ id, attempt }) => `${id} ${attempt}`)).toEqual(['early 1', 'early 1']);
  });

  it('does not hold other deliveries because of settings that are wrong for one target only', async () => {
    const farSide = new FarSide(({ id }) =>
      id === 'odd' ? { kind: 'misconfigured', reason: 'MismatchedId', isTargetOnly: true } : { kind: 'delivered' },
    );
    const app = await worker(farSide);
    await send(app, [delivery({ id: 'odd' })]);
    const kept = await eventually('odd is stored as failed', () =>
      app.get(FailedDeliveryStore, { strict: false }).get('odd'),
    );
    expect(kept.isHeld).toBe(false);
    await send(app, [delivery({ id: 'even' })]);
    await farSide.until((came) => came.some(({ id }) => id === 'even'));
  });

  it('does not send a delivery whose time to live has ended', async () => {
    const farSide = new FarSide(() => ({ kind: 'delivered' }));
    const app = await worker(farSide);
    await send(app, [delivery({ id: 'late', expiresAt: 1 })]);
    const failed = await eventually('late is stored as failed', () =>
      app.get(FailedDeliveryStore, { strict: false }).get('late'),
    );
    expect([failed.outcome, farSide.came]).toEqual(['expired', []]);
  });

  it('retries a delivery after an internal fault, without affecting the others', async () => {
    const farSide = new FarSide(({ id, attempt }) => {
      if (id === 'faulty' && attempt === 1) throw new TypeError('undefined is not a function');
      return { kind: 'delivered' };
    });
    await send(await worker(farSide), [delivery({ id: 'faulty' }), delivery({ id: 'fine' })]);
    await farSide.until((came) => came.length === 3);
    expect(farSide.came.map(({ id, attempt }) => `${id} ${attempt}`)).toEqual(['faulty 1', 'fine 1', 'faulty 2']);
  });

  it('sends as many deliveries at once after internal faults as before', async () => {
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const farSide = new FarSide(async ({ id }) => {
      if (id.startsWith('faulty')) throw new TypeError('undefined is not a function');
      await ended;
      return delivered;
    });
    farSide.capacity = () => 80; // the limit begins at 20, and failures lower it to 10
    const before = await attemptsSoFar();
    const app = await worker(farSide);
    const many = (name: string, count: number) =>
      Array.from({ length: count }, (_, at) => delivery({ id: `${name} ${at}` }));
    await send(app, many('faulty', 15), 'https://faults.example');
    await farSide.until((came) => came.length >= 15);
    for (const each of many('slow', 12)) await send(app, [each], 'https://faults.example');
    await farSide.until((came) => came.filter(({ id }) => id.startsWith('slow')).length === 12);
    end();
    const all = 15 * 3 + 12;
    await eventually('all attempts are counted', async () => (await attemptsSoFar()) === before + all);
  });

  it('stops in time; ended deliveries are recorded once and not sent again', async () => {
    const farSide = new FarSide(({ id, attempt }, signal) => {
      if (id === 'dead') return { kind: 'gone', reason: 'HTTP 410' };
      if (id === 'bad') return { kind: 'rejected', reason: 'HTTP 400' };
      if (id === 'busy' && attempt === 1) return { kind: 'retry', reason: 'HTTP 503' };
      if (id !== 'hanging' || isStopped) return { kind: 'delivered' };
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    });
    let isStopped = false;
    const [countedBefore, secondsBefore] = [await countedOutcomes(), await valueOf('pns_end_to_end_seconds_sum')];
    const first = await worker(farSide);
    const dead = await subscribe(first, { token: 'https://example.com/dies' });
    const [dueAt, later] = [Date.now(), Date.now() + 3_600_000];
    await send(first, [
      delivery({ id: 'sent', dueAt }),
      delivery({ id: 'dead', dueAt: later, subscriptionId: dead }),
      ...['bad', 'busy', 'hanging'].map((id) => delivery({ id, dueAt: later })),
    ]);
    await farSide.until((came) => came.length === 5);
    await closeAtOnce(first);
    const closedAfterMs = Date.now() - dueAt;

    isStopped = true;
    const second = await worker(farSide);
    const counted = await eventually('three deliveries are counted', async () => {
      const outcomes = difference(await countedOutcomes(), countedBefore);
      return outcomes['delivered'] === 3 ? outcomes : undefined;
    });
    expect(counted).toMatchObject({ delivered: 3, gone: 1, rejected: 1, retry: 1 });
    const came = farSide.came.map(({ id, attempt }) => `${id} ${attempt}`);
    expect(came.sort()).toEqual(['bad 1', 'busy 1', 'busy 2', 'dead 1', 'hanging 1', 'hanging 1', 'sent 1']);
    expect(await second.get(SubscriptionStore, { strict: false }).get(dead)).toBeUndefined();
    // The second worker records when the first worker sent the delivery, in whole ms.
    expect(((await valueOf('pns_end_to_end_seconds_sum')) - secondsBefore) * 1000).toBeLessThan(closedAfterMs + 1);
  });

  it('measures the endpoint only when a request was made', async () => {
    const reason = 'as the test says';
    const farSide = new FarSide(({ id, attempt, client }) => {
      if (id === 'moves') return { kind: 'moved', reason };
      if (id === 'given up') return { kind: 'expired', reason };
      if (attempt === 1 && id === 'waits') return { kind: 'retry', reason, isWaiting: true };
      return client === 'shop' ? { kind: 'misconfigured', reason } : { kind: 'delivered' };
    });
    const options = { key: 'revoked' };
    farSide.options = () => options;
    const [countedBefore, timedBefore] = [
      await countedOutcomes(),
      await valueOf('pns_delivery_duration_seconds_count'),
    ];
    const app = await worker(farSide);
    const failed = app.get(FailedDeliveryStore, { strict: false });
    const ids = ['moves', 'given up', 'waits'];
    await send(app, [delivery({ id: 'too late', expiresAt: 1 }), ...ids.map((id) => delivery({ id }))]);
    await send(app, [delivery({ id: 'asked', client: 'shop' })], 'shop');
    await eventually('asked is stored as failed', () => failed.get('asked'));
    await send(app, [delivery({ id: 'held', client: 'shop' })], 'shop');
    await eventually('held is stored as failed', () => failed.get('held'));
    const expected = { moved: 1, expired: 2, retry: 1, misconfigured: 2, delivered: 1 };
    await eventually('all outcomes are counted', async () => {
      const counted = difference(await countedOutcomes(), countedBefore);
      return Object.entries(expected).every(([outcome, count]) => counted[outcome] === count);
    });
    // Only the delivered attempt and the one whose credentials were refused are timed.
    expect((await valueOf('pns_delivery_duration_seconds_count')) - timedBefore).toBe(2);
  });

  it('adds a batch that is enqueued twice only once', async () => {
    const farSide = new FarSide(() => ({ kind: 'delivered' }));
    const app = await worker(farSide);
    const batch = [delivery({ id: 'first' }), delivery({ id: 'second' })];
    await Promise.all([send(app, batch), send(app, batch)]);
    await send(app, [delivery({ id: 'last' })]);
    const ids = ['first', 'last', 'second'];
    await farSide.until((came) => ids.every((each) => came.some(({ id }) => id === each)));
    expect(farSide.came.map(({ id }) => id).sort()).toEqual(ids);
  });
});
