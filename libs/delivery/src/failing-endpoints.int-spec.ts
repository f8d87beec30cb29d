import { NestFactory } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { freshDatabase, freshPrefix, testRedisUrl, type FreshDatabase } from '@pns/local-servers';
import {
  EndpointLookup,
  EndpointStore,
  FailedDeliveryStore,
  PersistenceModule,
  type FailedDelivery,
} from '@pns/persistence';
import { deliveryQueue, QueueModule, Queues, type DeliveryJob } from '@pns/queue';
import { log, metrics, nestLogger } from '@pns/runtime';
import { RuntimeModule } from '@pns/runtime/app';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { DataSource } from 'typeorm';
import { FailingEndpoints } from './failing-endpoints';

log.level = 'silent';

const dayMs = 86_400_000;
const start = Date.UTC(2027, 0, 1);

let database: FreshDatabase;
let app: INestApplicationContext;
let queues: Queues;
let store: EndpointStore;
let failed: FailedDeliveryStore;
let clock: number;
const lines: { readonly event: string; readonly percent?: number; readonly endpoints?: number }[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  const imports = [
    RuntimeModule,
    QueueModule.forRoot({ redisUrl: testRedisUrl(), shards: 1, prefix: freshPrefix() }),
    PersistenceModule.forRoot({ databaseUrl: database.url }),
  ];
  app = await NestFactory.createApplicationContext({ module: class {}, imports }, { logger: nestLogger });
  queues = app.get(Queues);
  store = app.get(EndpointStore);
  failed = app.get(FailedDeliveryStore);
  for (const level of ['warn', 'error', 'info'] as const) {
    jest.spyOn(log, level).mockImplementation((...[line]: readonly unknown[]) => void lines.push(line as never));
  }
});

afterAll(async () => {
  jest.restoreAllMocks();
  await app.close();
  await database.drop();
});

beforeEach(async () => {
  clock = start;
  lines.length = 0;
  await queue().obliterate({ force: true });
});

const queue = () => queues.queue<DeliveryJob>(queues.keys.group(0), deliveryQueue('webhook'));

/** The deliveries in the queue of webhooks. */
const queued = async (): Promise<readonly Delivery[]> =>
  (await queue().getJobs(['waiting', 'delayed'], 0, -1, true)).flatMap(({ data }) => data.deliveries);

/** The failing endpoints of one worker process. All workers use the clock of the test. */
function worker(values: Readonly<Record<string, string>> = {}): FailingEndpoints {
  const all = { 'com.openexchange.pns.operator.webhook': 'ops', ...values };
  const cascade = new ConfigCascade({ name: 'server', values: new Map(Object.entries(all)) });
  return new FailingEndpoints('webhook', store, failed, queues, cascade, () => clock);
}

let number = 0;

/** A delivery to an endpoint that no other test uses. */
function delivery(changes: Partial<Delivery> = {}): Delivery {
  number++;
  return {
    ...{ id: `d-${number}`, notificationId: 'n', subscriptionId: '4fd7cb5c-6a2e-4a0e-8d5a-1c1f6a3a9f10' },
    ...{ context: 1, user: 14, client: 'crm', transport: 'webhook', token: `https://crm.example.com/${number}` },
    ...{ topic: 'ox:mail:new', payload: {}, priority: 'high', count: 1, timestamp: 1, dueAt: 1, attempt: 1 },
    ...changes,
  };
}

const refused: Outcome = { kind: 'retry', reason: 'The endpoint answered 500.', isFromEndpoint: true };

/** Lets an endpoint fail for five days, so that `one` switches it off. */
async function switchedOff(one: FailingEndpoints, to: Delivery): Promise<void> {
  for (const days of [0, 5]) {
    clock = start + days * dayMs;
    one.attempted(to, refused);
    await one.refresh();
  }
  expect(one.outcomeOff(to)).toMatchObject({ kind: 'exhausted', isKept: true });
}

const steps = () =>
  lines.filter(({ event }) => event.startsWith('endpoint.')).map(({ event, percent }) => [event, percent]);

describe('an endpoint that fails for five days', () => {
  it('is warned of at 50, 70 and 90 %, once in all processes, and then switched off by the next failure', async () => {
    const [one, other] = [worker(), worker()];
    const to = delivery();
    one.attempted(to, refused);
    await one.refresh();
    const counted = await valueOf('pns_endpoint_warnings_total{transport="webhook",percent="90"}');
    for (const percent of [49, 50, 51, 70, 89, 90, 99, 100, 110]) {
      clock = start + (5 * dayMs * percent) / 100;
      await Promise.all([one.refresh(), other.refresh()]);
    }
    expect(steps()).toEqual([50, 70, 90].map((percent) => ['endpoint.failing', percent]));
    expect(await valueOf('pns_endpoint_warnings_total{transport="webhook",percent="90"}')).toBe(counted + 1);
    other.attempted(to, refused);
    await other.refresh();
    await one.refresh();
    expect(steps().at(-1)).toEqual(['endpoint.switched-off', 100]);
    for (const each of [one, other]) {
      expect(each.outcomeOff(to)).toEqual({
        ...{ kind: 'exhausted', isKept: true },
        reason:
          'The endpoint is switched off since 2027-01-06T12:00:00.000Z: The endpoint answered 500. The delivery is kept until it is switched on.',
      });
    }
    expect(one.outcomeOff({ ...to, replyTo: 'a test push' })).toBeUndefined();
    expect(one.outcomeOff({ ...to, client: 'another' })).toBeUndefined();
    const messages = await queued();
    expect(messages.map(({ topic, payload }) => [topic, payload['percent']])).toEqual([
      ['pns:endpoint:failing', 50],
      ['pns:endpoint:failing', 70],
      ['pns:endpoint:failing', 90],
      ['pns:endpoint:switched-off', 100],
    ]);
    expect(messages[0]).toMatchObject({
      ...{ client: 'ops', transport: 'webhook', token: '', context: 0 },
      payload: { client: 'crm', origin: 'https://crm.example.com', since: '2027-01-01T00:00:00.000Z', count: 1 },
    });
    expect(JSON.stringify([messages, lines])).not.toContain(to.token);
  });

  it('is announced again when a worker of the previous version switched it on in between', async () => {
    const one = worker();
    const to = delivery({ client: 'rolling' });
    await switchedOff(one, to);
    // The previous version switches an endpoint on with this statement, which does not reset the column `announced`.
    await app.get(DataSource).query(
      `UPDATE endpoints SET off_at = NULL, warned = 0, failing_since = NULL, failed_at = NULL, changed_at = clock_timestamp()
       WHERE client = 'rolling'`,
    );
    await queue().obliterate({ force: true });
    clock = start + 10 * dayMs;
    const two = worker();
    two.attempted(to, refused);
    await two.refresh();
    clock += 3 * dayMs;
    await two.refresh();
    expect((await queued()).map(({ payload }) => [payload['client'], payload['percent']])).toEqual([['rolling', 50]]);
  });

  it('is one message for all endpoints of a server', async () => {
    const one = worker();
    for (let each = 0; each < 20; each++) one.attempted(delivery({ client: 'many' }), refused);
    await one.refresh();
    clock = start + 5 * dayMs;
    await one.refresh();
    expect(lines.map(({ percent, endpoints }) => [percent, endpoints])).toEqual([
      [50, 20],
      [70, 20],
      [90, 20],
    ]);
    expect(await queued()).toHaveLength(3);
  });

  it('is one message for a server and hour, also if its endpoints reach the percentage one after another', async () => {
    const [one, other] = [worker(), worker()];
    for (let each = 0; each < 150; each++) {
      clock = start + each * 60_000;
      one.attempted(delivery({ client: 'dead.host' }), refused);
      await one.refresh();
    }
    for (let minutes = 0; minutes < 240; minutes += 5) {
      clock = start + dayMs * 2.5 + minutes * 60_000;
      await Promise.all([one.refresh(), other.refresh()]);
    }
    const messages = (await queued()).map(({ payload }) => payload);
    expect(messages.map(({ count }) => count).slice(0, 2)).toEqual([1, 60]);
    expect(messages.length).toBeLessThanOrEqual(4);
    expect(messages.reduce((sum, { count }) => sum + Number(count), 0)).toBe(150);
    expect(messages.every(({ endpoints }) => (endpoints as readonly string[]).length <= 100)).toBe(true);
    expect(lines.reduce((sum, { endpoints = 0 }) => sum + endpoints, 0)).toBe(150);
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['never with disableAfter 0', { 'com.openexchange.pns.endpoint.disableAfter': '0' }],
    ['without a message if there is no webhook of the operator', { 'com.openexchange.pns.operator.webhook': '' }],
  ])('is switched off %s', async (name, values) => {
    const one = worker(values);
    const to = delivery();
    for (const days of [0, 50]) {
      clock = start + days * dayMs;
      one.attempted(to, refused);
      await one.refresh();
    }
    expect(one.outcomeOff(to) !== undefined).toBe(!name.includes('never'));
    expect(await queued()).toEqual([]);
  });
});

describe('the time for which an endpoint fails', () => {
  it.each<[string, Outcome]>([
    ['a deferral', { kind: 'retry', reason: 'open', isDeferred: true }],
    ['a wait for Postgres', { kind: 'retry', reason: 'away', isWaiting: true }],
    ['an internal error', { kind: 'retry', reason: 'internal error' }],
    ['keys that cannot be decrypted', { kind: 'misconfigured', reason: 'SEAL_KEY_UNKNOWN', isTargetOnly: true }],
    ['a payload that was rejected', { kind: 'rejected', reason: 'The endpoint answered 413.' }],
    ['wrong credentials of the client', { kind: 'misconfigured', reason: 'There is no webhook crm.' }],
    ['an expired delivery', { kind: 'expired', reason: 'late' }],
  ])('does not begin with %s', async (_, outcome) => {
    const one = worker();
    const to = delivery();
    for (const days of [0, 6]) {
      clock = start + days * dayMs;
      one.attempted(to, outcome);
      await one.refresh();
    }
    expect(one.outcomeOff(to)).toBeUndefined();
    expect(steps()).toEqual([]);
  });

  it('ends with a success in any process, also if an older failure is recorded later', async () => {
    const [one, other, late] = [worker(), worker(), worker()];
    const to = delivery();
    one.attempted(to, refused);
    await Promise.all([one.refresh(), late.refresh()]);
    clock += 4 * dayMs;
    late.attempted(to, refused);
    await other.refresh();
    clock += 1;
    other.attempted(to, { kind: 'delivered' });
    await other.refresh();
    await late.refresh();
    clock += 1;
    one.attempted(to, refused);
    await one.refresh();
    clock += dayMs;
    one.attempted(to, refused);
    await one.refresh();
    expect(one.outcomeOff(to)).toBeUndefined();
  });
});

describe('an endpoint that is switched off', () => {
  const kept = (to: Delivery, id: string): FailedDelivery => ({
    ...{ delivery: { ...to, id }, outcome: 'exhausted', reason: 'off', isHeld: false, isKept: true, failedAt: clock },
  });
  const keptIds = async () => (await failed.list({}, { limit: 100 })).items.map(({ delivery: { id } }) => id);

  it.each(['the API', 'a successful test push'])('is on again by %s, and its kept deliveries are sent', async (by) => {
    const [one, other] = [worker(), worker()];
    const [to, beside] = [delivery({ client: by.replaceAll(' ', '.') }), delivery()];
    await switchedOff(one, to);
    await one.refresh();
    await switchedOff(other, beside);
    await queue().obliterate({ force: true });
    const ids = Array.from({ length: 5 }, (_, each) => `${by.at(-1)}-${each}`);
    await failed.record([...ids.map((id) => kept(to, id)), kept(beside, `beside-${by.at(-1)}`)]);
    await other.refresh();
    expect(await queued()).toEqual([]);
    if (by === 'the API') expect(await store.enable({ client: to.client })).toHaveLength(1);
    else one.attempted({ ...to, replyTo: 'r' }, { kind: 'delivered' });
    await one.refresh();
    await one.refresh();
    await other.refresh();
    expect((await queued()).map(({ id, attempt }) => `${id} ${attempt}`)).toEqual(ids.map((id) => `${id} 1`));
    expect(await keptIds()).toContain(`beside-${by.at(-1)}`);
    for (const each of [one, other]) expect(each.outcomeOff(to)).toBeUndefined();
    expect(other.outcomeOff(beside)).toBeDefined();
    clock += 4 * dayMs; // the endpoint was switched on, so the five days begin again
    one.attempted(to, refused);
    await one.refresh();
    expect(one.outcomeOff(to)).toBeUndefined();
  });

  it('sends deliveries again that a process kept after it was switched on', async () => {
    const one = worker();
    const to = delivery({ client: 'late' });
    await switchedOff(one, to);
    await store.enable({ client: 'late' });
    await one.refresh();
    await queue().obliterate({ force: true });
    await failed.record([kept(to, 'kept-late')]);
    await one.refresh();
    expect((await queued()).map(({ id }) => id)).toEqual(['kept-late']);
  });

  it('sends deliveries again that another process took and gave back', async () => {
    const [one, other] = [worker(), worker()];
    const to = delivery({ client: 'given.back' });
    await switchedOff(one, to);
    await failed.record([kept(to, 'kept-given-back')]);
    await queue().obliterate({ force: true });
    await store.enable({ client: 'given.back' });
    const filter = { transport: 'webhook', client: 'given.back' } as const;
    const crashed = failed.take(filter, 10, async () => {
      await other.refresh(); // finds no delivery that it could send
      throw new Error('killed');
    });
    await expect(crashed).rejects.toThrow('killed');
    await one.refresh();
    expect((await queued()).map(({ id }) => id)).toEqual(['kept-given-back']);
  });

  it('is forgotten when it has no subscription any more', async () => {
    const one = worker();
    const to = delivery({ client: 'deleted' });
    await switchedOff(one, to);
    while ((await store.removeEnded(Date.now() + dayMs, 1000)) > 0);
    expect(await store.enable({ client: 'deleted' })).toEqual([]);
  });
});

it('that fails half of its deliveries is never switched off', async () => {
  const one = worker();
  const to = delivery({ client: 'half' });
  for (let hours = 0; hours <= 24 * 6; hours += 12) {
    clock = start + (hours / 24) * dayMs;
    one.attempted(to, refused);
    await one.refresh();
    clock += 1;
    one.attempted(to, { kind: 'delivered' });
    clock += 1;
    one.attempted(to, refused);
    await one.refresh();
  }
  expect(one.outcomeOff(to)).toBeUndefined();
});

it('whose deliveries are only deferred is listed, and no worker must know it', async () => {
  const one = worker();
  const to = delivery({ client: 'paused' });
  one.attempted(to, { kind: 'retry', reason: 'paused', isDeferred: true, afterMs: 60_000 });
  await one.refresh();
  const { states } = await store.changes('webhook', undefined, 0, 10_000);
  expect(states.filter(({ client }) => client === 'paused')).toEqual([]);
  const { items } = await app.get(EndpointLookup).list({ client: 'paused' }, { limit: 10 });
  expect(items).toMatchObject([{ state: 'deferred' }]);
});

it('is not recorded while it works', async () => {
  const one = worker();
  const to = delivery({ client: 'works' });
  await one.refresh();
  one.attempted(to, { kind: 'delivered' });
  await one.refresh();
  expect(one.known.find(to)).toBeUndefined();
  const { states } = await store.changes('webhook', undefined, 0, 10_000);
  expect(states.filter(({ client }) => client === 'works')).toEqual([]);
});

async function valueOf(series: string): Promise<number> {
  const line = (await metrics.metrics()).split('\n').find((each) => each.startsWith(series));
  return Number(line?.split(' ').at(-1) ?? 0);
}
