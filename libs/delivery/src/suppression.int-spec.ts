import { once } from 'node:events';
import type { INestApplicationContext } from '@nestjs/common';
import { ConfigChanges } from '@pns/config-cascade';
import { cuttableLink, type CuttableLink } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { ConfigStore, FailedDeliveryStore, SubscriptionStore } from '@pns/persistence';
import { deliveryQueue, Queues, type DeliveryJob } from '@pns/queue';
import { subscriberOf } from '@pns/redis';
import { log, metrics } from '@pns/runtime';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { DataSource } from 'typeorm';
import { retryFailed } from './retry-failed';
import { deliveryStage, send, subscribe, updateAt } from './testing/delivery-stage';
import { FarSide } from './testing/far-side';

log.level = 'silent';

const { databaseUrl, worker, close, delivery } = deliveryStage();

const john = { context: 1, user: 14 };
const jane = { context: 1, user: 15 };
/** A user with properties in the scope `user`. */
const jim = { context: 1, user: 16 };
const delivered: Outcome = { kind: 'delivered' };

async function suppressedSoFar(): Promise<number> {
  const text = await metrics.getSingleMetricAsString('pns_deliveries_total');
  return Number(/transport="webhook",outcome="suppressed"\} (\d+)/.exec(text)?.[1] ?? 0);
}

/** Returns a function that waits until one more delivery was suppressed. */
async function suppressing(): Promise<() => Promise<unknown>> {
  const before = await suppressedSoFar();
  return () => eventually('one more delivery is suppressed', async () => (await suppressedSoFar()) === before + 1);
}

async function setForJim(app: INestApplicationContext, name: string, value: string): Promise<void> {
  const place = { scope: 'user', ...jim } as const;
  const put = () => app.get(ConfigStore, { strict: false }).put(place, { name, value });
  await app.get(ConfigChanges, { strict: false }).make(place, put);
}

type Change = (app: INestApplicationContext, subscription: string) => Promise<unknown>;

const store = (app: INestApplicationContext) => app.get(SubscriptionStore, { strict: false });

const endings: [string, Change][] = [
  ['was removed', (app, id) => store(app).remove(id)],
  ['is another user’s by now', (app) => subscribe(app, { ...jane, token: 'phone', isShared: false })],
  ['has expired', (app, id) => store(app).change(id, { expiresAt: Date.now() - 1 })],
];

/** Sends a delivery that is finally suppressed; resolves with whether it is stored nevertheless. */
async function isKept(app: INestApplicationContext, id: string, changes: Partial<Delivery>): Promise<boolean> {
  const isSuppressed = await suppressing();
  await send(app, [delivery({ id, ...changes })]);
  await isSuppressed();
  return (await app.get(FailedDeliveryStore, { strict: false }).get(id)) !== undefined;
}

/** An endpoint that runs `change` at the first attempt and then asks for a retry. */
function retryingAfter(change: () => Promise<unknown>): FarSide {
  return new FarSide(async ({ attempt }) => {
    if (attempt > 1) return delivered;
    await change();
    return { kind: 'retry', reason: 'busy' };
  });
}

describe('a retry that waits', () => {
  it.each(endings)('is not made when its subscription %s, and not kept', async (_, change) => {
    let id = '';
    const farSide = retryingAfter(() => change(app, id));
    const app = await worker(farSide);
    id = await subscribe(app, { token: 'phone', isShared: false });
    expect([await isKept(app, `to-${id}`, { subscriptionId: id }), farSide.came.length]).toEqual([false, 1]);
  });

  it.each([
    ['the transport is switched off', 'com.openexchange.pns.transport.webhooks.enabled', ['true', 'false']],
    ['the webhook is taken off the list', 'com.openexchange.webhooks.enabledIds', ['sandbox', 'shop']],
  ])('is not made when %s, and not kept', async (_, name, [on = '', off = '']) => {
    const farSide = retryingAfter(() => setForJim(app, name, off));
    const app = await worker(farSide);
    await setForJim(app, name, on);
    expect([await isKept(app, `off-${name}`, jim), farSide.came.length]).toEqual([false, 1]);
    await setForJim(app, name, on);
  });

  it('is sent when its subscription was registered again', async () => {
    const registered = { token: 'tablet', expiresAt: Date.now() + 60_000 };
    const farSide = retryingAfter(() => subscribe(app, { ...registered, topics: ['ox:*'] }));
    const app = await worker(farSide);
    await send(app, [delivery({ subscriptionId: await subscribe(app, registered) })]);
    await farSide.until((came) => came.length === 2);
  });
});

it('held deliveries are sent after their client is corrected, but not to a token that was taken over', async () => {
  let options: object = { key: 'revoked' };
  const revoked = options;
  const farSide = new FarSide(() =>
    options === revoked ? { kind: 'misconfigured', reason: 'InvalidKey' } : delivered,
  );
  farSide.options = () => options;
  const app = await worker(farSide);
  const failed = app.get(FailedDeliveryStore, { strict: false });
  const phone = { client: 'shop', token: 'phone', isShared: false };
  const taken = await subscribe(app, phone);
  await send(app, [
    delivery({ id: 'to-jane', client: 'shop', subscriptionId: taken }),
    delivery({ id: 'to-john', client: 'shop' }),
  ]);
  await eventually('to-jane is stored as failed', () => failed.get('to-jane'));
  await eventually('to-john is stored as failed', () => failed.get('to-john'));
  await subscribe(app, { ...phone, ...jane });
  const isSuppressed = await suppressing();
  const before = farSide.came.length;
  options = { key: 'new' };
  await isSuppressed();
  await farSide.until((came) => came.length > before);
  expect(farSide.came.slice(before).map(({ id }) => id)).toEqual(['to-john']);
  expect(await failed.get('to-jane')).toBeUndefined();
});

it('a delivery that an operator sends again does not go to a token that was taken over', async () => {
  const farSide = new FarSide(() => ({ kind: 'rejected', reason: 'too large' }));
  const app = await worker(farSide);
  const failed = app.get(FailedDeliveryStore, { strict: false });
  const phone = { token: 'phone', isShared: false };
  await send(app, [delivery({ id: 'again', subscriptionId: await subscribe(app, phone) })]);
  await eventually('again is stored as failed', () => failed.get('again'));
  await subscribe(app, { ...phone, ...jane });
  const isSuppressed = await suppressing();
  await retryFailed(app.get(Queues, { strict: false }), failed, { ids: ['again'] }, 10);
  await isSuppressed();
  expect(farSide.came).toHaveLength(1);
  expect(await failed.get('again')).toBeUndefined();
});

it('the sender of a test push gets the reason that its subscription was deleted', async () => {
  const app = await worker(new FarSide(() => delivered));
  const { redis, keys } = app.get(Queues, { strict: false });
  const subscriptionId = await subscribe(app, { token: 'tested' });
  await store(app).remove(subscriptionId);
  const replyTo = keys.global('test:gone');
  const subscriber = subscriberOf(redis, replyTo);
  await subscriber.listen();
  const reply = once(subscriber, 'message');
  await send(app, [delivery({ subscriptionId, replyTo })]);
  const [, outcome] = (await reply) as [string, string];
  expect(JSON.parse(outcome)).toMatchObject({ kind: 'suppressed', reason: expect.any(String) as string });
  subscriber.disconnect();
});

it('asks once for all deliveries of a job that have waited, and not for recent ones', async () => {
  const farSide = new FarSide(() => delivered);
  const app = await worker(farSide);
  const asked = jest.spyOn(store(app), 'liveAmong');
  const [first, second] = [await subscribe(app, { token: '1' }), await subscribe(app, { token: '2' })];
  await send(app, [
    delivery({ subscriptionId: first }),
    delivery({ subscriptionId: second }),
    delivery({ subscriptionId: undefined }),
    delivery({ dueAt: Date.now() + 60_000 }),
  ]);
  await farSide.until((came) => came.length === 4);
  expect(asked.mock.calls).toEqual([[[first, second]]]);
});

describe('while Postgres is away', () => {
  let link: CuttableLink;
  const farSide = new FarSide(() => delivered);

  beforeAll(async () => {
    link = await cuttableLink(databaseUrl());
  });
  afterEach(() => link.mend());
  afterAll(() => link.close());

  /** A worker that has loaded John's properties and has lost Postgres since. */
  async function cutOff(
    side = farSide,
    prepare: (app: INestApplicationContext) => Promise<unknown> = () => Promise.resolve(),
  ): Promise<INestApplicationContext> {
    const app = await worker(side, { databaseUrl: link.url });
    await prepare(app);
    const before = side.came.length;
    await send(app, [delivery(john)]);
    await side.until((came) => came.length > before);
    link.cut();
    return app;
  }

  /** Resolves when a job has failed this often and waits for its next run. */
  function jobThatFailed(app: INestApplicationContext, times: number): Promise<unknown> {
    const queues = app.get(Queues, { strict: false });
    const queue = queues.queue(queues.keys.group(0), deliveryQueue('webhook'));
    return eventually(`a job has failed ${times} times`, async () =>
      (await queue.getDelayed()).find(({ attemptsMade }) => attemptsMade >= times),
    );
  }

  it.each([
    ['has waited', { dueAt: Date.now() - 2000 }],
    ['is for a user whose settings nobody has read', { ...jane, dueAt: Date.now() + 60_000 }],
  ])('nothing is sent that %s, and nothing is lost', async (what, changes) => {
    const app = await cutOff();
    await send(app, [delivery({ id: what, ...changes })]);
    await jobThatFailed(app, 1);
    expect(farSide.came.filter(({ id }) => id === what)).toEqual([]);
    link.mend();
    await farSide.until((came) => came.some(({ id, attempt }) => id === what && attempt === 1));
  });

  it('ended deliveries wait to be recorded, and no delivery of the batch is sent again', async () => {
    const side = new FarSide(({ id, attempt }) => {
      if (id === 'refused') return { kind: 'rejected', reason: 'HTTP 400' };
      return id === 'busy' && attempt === 1 ? { kind: 'retry', reason: 'HTTP 503' } : delivered;
    });
    const app = await cutOff(side);
    const dueAt = Date.now() + 60_000;
    await send(
      app,
      ['refused', 'busy', 'fine'].map((id) => delivery({ id, ...john, dueAt })),
    );
    await jobThatFailed(app, 2);
    link.mend();
    await eventually('refused is stored as failed', () =>
      app.get(FailedDeliveryStore, { strict: false }).get('refused'),
    );
    const came = side.came.slice(1).map(({ id, attempt }) => `${id} ${attempt}`);
    expect(came.sort()).toEqual(['busy 1', 'busy 2', 'fine 1', 'refused 1']);
  });

  it('a deferred delivery leaves a batch that waits to be recorded only once', async () => {
    const looks = new Map<string, number>();
    const side = new FarSide(({ id }) => {
      looks.set(id, (looks.get(id) ?? 0) + 1);
      if (id === 'refused too') return { kind: 'rejected', reason: 'HTTP 400' };
      return id === 'deferred' && looks.get(id) === 1
        ? { kind: 'retry', reason: 'deferred', afterMs: 1, isDeferred: true }
        : delivered;
    });
    const app = await cutOff(side);
    const dueAt = Date.now() + 60_000;
    await send(
      app,
      ['refused too', 'deferred'].map((id) => delivery({ id, ...john, dueAt })),
    );
    await jobThatFailed(app, 2);
    link.mend();
    await eventually('refused too is stored as failed', () =>
      app.get(FailedDeliveryStore, { strict: false }).get('refused too'),
    );
    const came = side.came.slice(1).map(({ id, attempt }) => `${id} ${attempt}`);
    expect(came.sort()).toEqual(['deferred 1', 'deferred 1', 'refused too 1']);
  });

  it('a deferred delivery is enqueued only once, even when the progress of the first run was lost', async () => {
    const side = new FarSide(({ id }) =>
      id === 'long'
        ? { kind: 'retry', reason: 'deferred', afterMs: 3_600_000, isDeferred: true }
        : { kind: 'rejected', reason: 'HTTP 400' },
    );
    const app = await cutOff(side);
    const dueAt = Date.now() + 60_000;
    await send(app, [delivery({ id: 'long', ...john, dueAt }), delivery({ id: 'short', ...john, dueAt })]);
    const queueOf = (of: INestApplicationContext) => {
      const queues = of.get(Queues, { strict: false });
      return queues.queue<DeliveryJob>(queues.keys.group(0), deliveryQueue('webhook'));
    };
    const delayed = async (times: number) =>
      (await queueOf(app).getDelayed()).filter(
        ({ data, attemptsMade }) => data.deliveries[0]?.id === 'long' && attemptsMade === times,
      );
    const first = await eventually('the job has failed once', async () => (await delayed(1))[0]);
    await first.updateProgress({});
    await close(app);
    link.mend();
    const another = await worker(side);
    await side.until((came) => came.filter(({ id }) => id === 'long').length === 2);
    await eventually('short is stored as failed', () =>
      another.get(FailedDeliveryStore, { strict: false }).get('short'),
    );
    const handedOn = await queueOf(another).getDelayed();
    expect(handedOn.filter(({ data }) => data.deliveries[0]?.id === 'long')).toHaveLength(1);
    for (const job of handedOn) await job.remove();
  });

  it('a gone target waits to be removed, and is kept when it is registered again meanwhile', async () => {
    const beside = await new DataSource({ type: 'postgres', url: databaseUrl() }).initialize();
    let [dead, renewed] = ['', ''];
    const side = new FarSide(({ subscriptionId }) =>
      subscriptionId === dead || subscriptionId === renewed ? { kind: 'gone', reason: 'HTTP 404' } : delivered,
    );
    const app = await cutOff(side, async (app) => {
      [dead, renewed] = [await subscribe(app, { token: 'dead' }), await subscribe(app, { token: 'renewed' })];
    });
    const dueAt = Date.now() + 60_000;
    await send(
      app,
      [dead, renewed].map((subscriptionId) => delivery({ ...john, subscriptionId, dueAt })),
    );
    await jobThatFailed(app, 1);
    await updateAt(beside, renewed, Date.now() + 60_000);
    await beside.destroy();
    link.mend();
    const live = () => store(app).liveAmong([dead, renewed]);
    await eventually('the dead subscription is removed', async () => !(await live()).has(dead));
    expect([...(await live())]).toEqual([renewed]);
  });

  it('recent deliveries are sent with the known settings', async () => {
    const app = await cutOff();
    await send(app, [delivery({ id: 'fresh', ...john, dueAt: Date.now() + 60_000 })]);
    await farSide.until((came) => came.some(({ id }) => id === 'fresh'));
  });
});
