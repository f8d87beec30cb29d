import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AggregationModule, TickWorker, Windows, type OnBatch } from '@pns/aggregation';
import { ConfigCascadeModule } from '@pns/config-cascade';
import { DeliveryModule, enqueueDeliveries, enqueueDeliveriesFrom, type QueueRef, parkedNode } from '@pns/delivery';
import { History, HistoryWriter } from '@pns/history';
import { eventually } from '@pns/local-servers/waiting';
import { FailedDeliveryStore, PersistenceModule } from '@pns/persistence';
import { Mailboxes, SocketRegistry, SocketNodes } from '@pns/sockets';
import { deliveryQueue, QueueModule, Queues, socketNodeGroup, socketNodeQueue } from '@pns/queue';
import { keyKindOf } from '@pns/redis';
import { nestLogger } from '@pns/runtime';
import { RuntimeModule } from '@pns/runtime/app';
import { SessionTokens } from '@pns/sessions';
import type { UserKey } from '@pns/subscriptions';
import { isRegistered, transportNames, type Delivery, type Outcome } from '@pns/transport-contract';
import { Client } from 'pg';
import { testApi, type TestApi } from '../testing/test-api';
import { dumped, keyTypes, rawDump } from './testing/dumped';
import { Erasure } from './erasure';

const hour = 3_600_000;

/** The transports with a queue in each shard. */
const registered = transportNames.filter(isRegistered);
const farPast = 1_000_000;

let api: TestApi;
let queues: Queues;
const folder = mkdtempSync(join(tmpdir(), 'pns-erasure-'));
const opened: INestApplicationContext[] = [];

beforeAll(async () => {
  writeFileSync(join(folder, 'pns.properties'), 'com.openexchange.pns.transport.wns.enabled=true');
  const modes = ['equal', 'latest', 'collect'].map((mode) => `com.openexchange.pns.aggregation.all:${mode}=${mode}`);
  const waits = ['com.openexchange.pns.delayDuration=600000', 'com.openexchange.pns.maxDelayDuration=600000'];
  api = await testApi({ files: { 'pns.properties': [...modes, ...waits].join('\n') } });
  queues = part(Queues);
});

afterEach(() => Promise.all(opened.splice(0).map((app) => app.close())));

afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

function part<Part>(token: abstract new (...args: never[]) => Part): Part {
  return api.app.get<Part>(token, { strict: false });
}

/** The mark of all data of a user, in every store. */
function markOf({ context, user }: UserKey): string {
  return `m${context}u${user}x`;
}

function delivery(of: UserKey, changes: Partial<Delivery> = {}): Delivery {
  const { context, user } = of;
  const mark = markOf(of);
  return {
    id: randomUUID(),
    notificationId: mark,
    subscriptionId: randomUUID(),
    context,
    user,
    client: mark,
    transport: 'apns',
    token: mark,
    topic: `all:${mark}`,
    payload: { text: mark },
    sourceToken: mark,
    priority: 'high',
    count: 1,
    timestamp: farPast,
    dueAt: farPast,
    email1: `${mark}@example.com`,
    attempt: 1,
    ...changes,
  };
}

/** Sends a request and returns the body of the answer. Rejects unless the API accepts the request. */
async function send<Body>(method: string, path: string, body: unknown): Promise<Body> {
  const answer = await api.send<Body>(method, path, { body });
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function notify(of: UserKey, round: string): Promise<void> {
  const mark = markOf(of);
  for (const mode of ['equal', 'latest', 'collect']) {
    const about = { topic: `all:${mode}`, payload: { text: mark }, sourceToken: mark, aggregationKey: mark };
    await send('POST', '/v1/notifications', { ...of, ...about, id: `${mark}-${mode}-${round}` });
  }
}

function shardQueue(of: UserKey, name: string): QueueRef {
  return { group: queues.keys.group(queues.keys.shardOf(of.context, of.user)), name };
}

/** Creates data of users in every place that can store it; some places store data of several users together. */
async function leaveTraces(users: readonly UserKey[]): Promise<Map<UserKey, string>> {
  const sessions = new Map<UserKey, string>();
  const { redis, keys } = queues;
  const later = new Windows(redis, keys, () => Date.now() + hour);
  for (const of of users) {
    const mark = markOf(of);
    const at = `contexts/${of.context}`;
    await send('PUT', `/v1/${at}`, { name: `n${of.context}`, tags: [`t${of.context}`] });
    await send('PUT', `/v1/${at}/users/${of.user}`, {
      primaryEmail: `${mark}@example.com`,
      logins: [mark],
      tags: [mark],
    });
    const property = 'properties/com.openexchange.webhooks.enabledIds';
    await send('PUT', `/v1/config/${at}/${property}`, { value: [`m${of.context}`] });
    await send('PUT', `/v1/config/${at}/users/${of.user}/${property}`, { value: [mark] });
    for (const transport of ['apns', 'fcm']) {
      const token = transport === 'apns' ? Buffer.from(mark).toString('hex') : mark;
      const subscription = { ...of, client: mark, transport, token, topics: [`all:${mark}`], meta: { x: mark } };
      await send('POST', '/v1/subscriptions', subscription);
    }
    sessions.set(of, (await send<{ token: string }>('POST', '/v1/sessions', of)).token);
    await notify(of, 'taken');
  }
  for (const shard of keys.all()) await later.take(shard, `batch-${randomUUID()}`, 'a dispatcher that died', 500);
  await part(FailedDeliveryStore).record(
    users.map((of) => ({
      delivery: delivery(of),
      outcome: 'rejected',
      reason: markOf(of),
      isHeld: false,
      failedAt: 1,
    })),
  );
  const nodes = [`node-${randomUUID()}`, `node-${randomUUID()}`] as const;
  for (const node of nodes) await part(SocketNodes).heartbeat(node);
  await part(SocketNodes).retire(nodes[1]);
  for (const of of users) {
    await notify(of, 'waiting');
    const shard = keys.shardOf(of.context, of.user);
    const neighbours = users.filter((other) => keys.shardOf(other.context, other.user) === shard);
    const refs = [
      ...registered.map((transport) => ({ ...shardQueue(of, deliveryQueue(transport)), together: neighbours })),
      ...[...nodes, parkedNode].map((node) => ({
        group: socketNodeGroup(keys),
        name: socketNodeQueue(node),
        together: users,
      })),
    ];
    for (const delayMs of [0, hour]) {
      for (const { together, ...ref } of refs) {
        const own = { ...ref, endpoint: markOf(of), deliveries: [delivery(of), delivery(of)] };
        const shared = { ...ref, endpoint: 'shared', deliveries: together.map((other) => delivery(other)) };
        await enqueueDeliveries(queues, [own, shared], { delayMs });
      }
    }
    const socket = { ...of, client: markOf(of), isAnonymous: false, opening: '1', session: markOf(of) };
    for (const connection of ['here', 'away']) {
      await part(SocketRegistry).open({ ...socket, connection: `${markOf(of)}${connection}` }, nodes[0], 8);
    }
    const [left, limits] = [
      { ...socket, connection: `${markOf(of)}away` },
      { maxNotifications: 9, maxBytes: 9999 },
    ];
    await part(Mailboxes).close(left, nodes[0], { deliveries: [], hasGap: false }, limits);
    const token = `${nodes[0]} ${left.connection}`;
    const waiting = delivery(of, { transport: 'websocket', sourceToken: 'another', token });
    const [parked] = await part(Mailboxes).park([{ delivery: waiting }], () => limits);
    expect(parked?.kind).toBe('parked');
  }
  return sessions;
}

/** The data of a user: lines that contain its mark, or its context id followed by its user id. */
function tracesOf({ context, user }: UserKey, lines: readonly string[]): string[] {
  const ids = new RegExp(`(?<!\\d)${context}\\D{1,20}(?<!\\d)${user}(?!\\d)`);
  return lines.filter((line) => line.includes(markOf({ context, user })) || ids.test(line));
}

function tracesOfContext(context: number, lines: readonly string[]): string[] {
  const id = new RegExp(`(?<!\\d)${context}(?!\\d)`);
  return lines.filter((line) => id.test(line));
}

/** The tables and kinds of keys to which the lines belong, without the history. */
function placesOf(lines: readonly string[]): string[] {
  const places = lines.map((line) => {
    const [key = '', field] = line.replace(/^\{[^}]*\}:/, '').split(' ');
    const kind = key
      .replace(/^((?:sockets|mailbox|mail|batch)):.*$/, '$1')
      .replace(/^websocket-node-.*?:/, 'websocket-node:');
    return kind.replace(/:[0-9a-f]{40}$/, field === 'data' ? ':job' : ':other');
  });
  // The history is written later than other data, so its tables can be empty.
  return [...new Set(places)].filter((place) => !place.startsWith('history_')).sort();
}

const inRedis = [
  ...[...registered, 'websocket--', 'websocket-node'].map((queue) => `${queue}:job`),
  ...['batch', 'due', 'holders', 'items', 'mail', 'mailbox', 'sockets', 'spans'],
];
const ofUsers = ['audit_entries', 'failed_deliveries', 'subscriptions', 'user_logins', 'user_properties', 'users'];

/** The number of deliveries of the user in the jobs. */
function deliveriesOf(of: UserKey, lines: readonly string[]): number {
  const jobs = lines.filter((line) => / data \{"v":1/.test(line));
  return jobs.reduce((sum, line) => sum + line.split(`"text":"${markOf(of)}"`).length - 1, 0);
}

/** Expects that the data of other users in `before` is unchanged, except in jobs that also contain the erased user. */
function expectUntouched(
  others: readonly UserKey[],
  isErased: (line: string) => boolean,
  before: string[],
  after: string[],
) {
  const present = new Set(after);
  for (const of of others) {
    const own = tracesOf(of, before).filter((line) => !isErased(line));
    expect(own.length).toBeGreaterThan(25);
    expect(own.filter((line) => !present.has(line))).toEqual([]);
    expect([of, deliveriesOf(of, after)]).toEqual([of, deliveriesOf(of, before)]);
  }
}

const isEnded = async (token: string): Promise<boolean> =>
  part(SessionTokens)
    .verify(token)
    .then(
      () => false,
      (error: { code?: string }) => error.code === 'SESSION_ENDED',
    );

it('every key in Redis is in the key map, with its type', async () => {
  await leaveTraces([{ context: 75_000_001, user: 95_000_001 }]);
  const types = await keyTypes(api);
  const kindOf = (key: string) => keyKindOf(key, api.redisPrefix);
  expect([...types].filter(([key, type]) => kindOf(key)?.type !== type)).toEqual([]);
  const patterns = new Set([...types.keys()].map((key) => kindOf(key)?.pattern));
  for (const name of ['<shard>}:due', '<shard>}:batch:<tick>', '<user>', '<queue>:<job>', 'websocket}:dead']) {
    expect([...patterns].filter((pattern) => pattern?.endsWith(name))).not.toEqual([]);
  }
});

describe('no dump of Postgres and Redis contains data of an erased', () => {
  it('user', async () => {
    const erased = { context: 71_000_002, user: 92_000_001 };
    // Users with similar ids: in the same context; with an id that starts with the same digits; with the same id in a context
    // whose id starts with the same digits.
    const others = [
      { context: 71_000_002, user: 92_000_002 },
      { context: 71_000_002, user: 920_000_011 },
      { context: 710_000_021, user: 92_000_001 },
    ];
    const sessions = await leaveTraces([erased, ...others]);
    const before = await dumped(api);
    const traces = tracesOf(erased, before);
    expect(placesOf(traces)).toEqual([...inRedis, ...ofUsers].sort());

    const answer = await api.send('DELETE', `/v1/contexts/${erased.context}/users/${erased.user}`);
    expect(answer.status).toBe(204);

    const after = await dumped(api);
    expect(tracesOf(erased, after)).toEqual([]);
    expectUntouched(others, (line) => traces.includes(line), before, after);
    expect(tracesOfContext(erased.context, after).some((line) => line.startsWith('context_properties'))).toBe(true);
    for (const [of, token] of sessions) expect([of, await isEnded(token)]).toEqual([of, of === erased]);
  });

  it('context', async () => {
    const context = 73_000_004;
    const erased = [
      { context, user: 94_000_001 },
      { context, user: 94_000_002 },
    ];
    const others = [
      { context: 73_000_005, user: 94_000_001 },
      { context: 730_000_041, user: 94_000_001 },
    ];
    const sessions = await leaveTraces([...erased, ...others]);
    await send('POST', '/v1/api-keys', { name: `m${context}`, scopes: ['admin'], contexts: [context] });
    const before = await dumped(api);
    const traces = tracesOfContext(context, before);
    expect(placesOf(traces)).toEqual([...inRedis, ...ofUsers, 'api_keys', 'context_properties', 'contexts'].sort());

    expect((await api.send('DELETE', `/v1/contexts/${context}`)).status).toBe(204);

    const after = await dumped(api);
    expect(tracesOfContext(context, after)).toEqual([]);
    expectUntouched(others, (line) => erased.some((of) => tracesOf(of, [line]).length > 0), before, after);
    for (const [of, token] of sessions) expect([of, await isEnded(token)]).toEqual([of, of.context === context]);
  });
});

it('a grep of raw dumps of both stores finds neither the id nor the name of an erased context', async () => {
  const users = [81, 82].map((user) => ({ context: 78_123_459, user }));
  const needles = ['78123459', 'n78123459', 'm78123459u81x'];
  await leaveTraces([...users, { context: 79_000_001, user: 81 }]);
  const grep = (text: string) => needles.filter((each) => text.includes(each) || text.includes(hexOf(each)));
  const before = await rawDump(api);
  expect([grep(before.postgres), grep(before.redis)]).toEqual([needles, ['78123459', 'm78123459u81x']]);
  expect((await api.send('DELETE', '/v1/contexts/78123459')).status).toBe(204);
  const after = await rawDump(api);
  expect([grep(after.postgres), grep(after.redis)]).toEqual([[], []]);
  expect([after.postgres, after.redis].map((text) => text.includes('79000001'))).toEqual([true, true]);
});

/** The bytes of a text as Postgres prints them. */
const hexOf = (text: string): string => Buffer.from(text).toString('hex');

it('a context set that an operator wrote for the context stays', async () => {
  const path = '/v1/config/context-sets/of-one';
  await send('PUT', path, { rank: 1, withTags: '76000001 | acme-76' });
  await send('PUT', '/v1/contexts/76000001', { name: 'acme-76' });
  expect((await api.send('DELETE', '/v1/contexts/76000001')).status).toBe(204);
  expect((await api.send('GET', path)).body).toMatchObject({ withTags: '76000001 | acme-76' });
});

it('erases a user who is not in the directory, and erasing twice is harmless', async () => {
  const of = { context: 75_000_006, user: 96_000_001 };
  await enqueueDeliveries(queues, [{ ...shardQueue(of, 'fcm'), endpoint: 'x', deliveries: [delivery(of)] }]);
  for (const path of [`/v1/contexts/${of.context}/users/${of.user}`, `/v1/contexts/${of.context}`]) {
    for (let time = 1; time <= 2; time++) expect((await api.send('DELETE', path)).status).toBe(204);
  }
  expect(tracesOf(of, await dumped(api))).toEqual([]);
});

it('erases records of the history that a process has not written yet, although nothing else is left', async () => {
  const of = { context: 75_000_007, user: 96_000_002 };
  const about = { topic: `all:${markOf(of)}`, payload: {}, priority: 'high', timestamp: Date.now() } as const;
  part(History).accepted({ ...of, ...about, id: markOf(of) }, `75000007:96000002:equal:${markOf(of)}`, 1);
  await send('DELETE', `/v1/contexts/${of.context}/users/${of.user}`, undefined);
  await part(HistoryWriter).flush();
  expect(tracesOf(of, await dumped(api))).toEqual([]);
});

it('erases a context with many users in steps', async () => {
  const context = 77_000_008;
  const client = new Client({ connectionString: api.database.url });
  await client.connect();
  const many = 'FROM generate_series(1, 20000) AS id';
  await client.query(`INSERT INTO users (context_id, user_id) SELECT ${context}, id ${many}`);
  await client.query(`INSERT INTO user_logins SELECT 'many' || id, ${context}, id ${many}`);
  await client.query(
    `INSERT INTO user_properties (context_id, user_id, name, value) SELECT ${context}, id, 'x', '1' ${many}`,
  );
  await client.end();
  const registry = part(SocketRegistry);
  for (let user = 1; user <= 500; user++) {
    const socket = { context, user, client: 'many', connection: 'one', isAnonymous: false, opening: '1', session: 's' };
    await registry.open(socket, 'a node', 8);
  }
  expect((await api.send('DELETE', `/v1/contexts/${context}`)).status).toBe(204);
  expect(tracesOfContext(context, await dumped(api))).toEqual([]);
});

/** A second process with the given modules. */
async function startProcess(...modules: DynamicModule[]): Promise<INestApplicationContext> {
  const { redisPrefix: prefix } = api;
  const app = await NestFactory.createApplicationContext(
    {
      module: class {},
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: process.env['REDIS_URL'] ?? '', shards: 4, prefix }),
        ConfigCascadeModule.forRoot({ configDir: folder }),
        PersistenceModule.forRoot({ databaseUrl: api.database.url }),
        ...modules,
      ],
    },
    { logger: nestLogger },
  );
  opened.push(app);
  return app;
}

/** A promise and the function that resolves it. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

describe('data that a worker holds', () => {
  /** A new delivery for a user. */
  const fresh = (of: UserKey) => delivery(of, { transport: 'wns', dueAt: Date.now() + hour });
  const inJobs = (of: UserKey, lines: string[]) => tracesOf(of, lines).filter((line) => line.includes(' data '));

  it.each<[string, Outcome]>([
    ['is tried again', { kind: 'retry', reason: 'busy' }],
    ['failed for good', { kind: 'rejected', reason: 'no' }],
  ])('is erased too: a delivery whose outcome is %s', async (name, outcome) => {
    const of = { context: 81_000_000 + name.length, user: 70_000_007 };
    const [begun, answered] = [gate(), gate()];
    const deliver = async ({ context }: Delivery): Promise<Outcome> => {
      if (context !== of.context) return { kind: 'delivered' }; // a delivery that another test left
      begun.open();
      await answered.passed;
      return outcome;
    };
    const farSide = { name: 'wns' as const, deliver };
    await startProcess(
      DeliveryModule.forTransport({ name: 'wns', concurrency: 16, inject: [], useFactory: () => farSide }),
    );
    await enqueueDeliveries(queues, [{ ...shardQueue(of, 'wns'), endpoint: 'x', deliveries: [fresh(of)] }]);
    await begun.passed;
    const unfinished = part(Erasure).erase(of, undefined, 3000);
    await expect(unfinished).rejects.toMatchObject({ code: 'ERASURE_UNFINISHED' });
    // The job contains no delivery any more, so there is no other attempt even if the process crashes now.
    expect(inJobs(of, await dumped(api))).toEqual([]);

    const neighbour = { ...of, user: of.user + 1 };
    await enqueueDeliveries(queues, [
      { ...shardQueue(of, 'wns'), endpoint: 'y', deliveries: [fresh(of), fresh(neighbour)] },
    ]);
    const erased = api.send('DELETE', `/v1/contexts/${of.context}/users/${of.user}`);
    await eventually('no job contains the user', async () => inJobs(of, await dumped(api)).length === 0);
    answered.open();
    expect((await erased).status).toBe(204);
    expect(tracesOf(of, await dumped(api))).toEqual([]);
    expect(tracesOf(neighbour, await dumped(api))).not.toEqual([]);
  });

  it('is erased too: a batch of the dispatcher', async () => {
    const of = { context: 82_000_001, user: 70_000_007 };
    const neighbour = { context: 82_000_001, user: 70_000_008 };
    const [begun, handedOver] = [gate(), gate()];
    const dispatch: OnBatch = async ({ windows }, settling) => {
      begun.open();
      await handedOver.passed;
      const groups = windows.map(({ notification }) => ({
        ...shardQueue(notification, 'fcm'),
        endpoint: 'x',
        deliveries: [delivery(notification)],
      }));
      return enqueueDeliveriesFrom(queues, groups, settling(windows.length, windows.length));
    };
    for (const user of [of, neighbour]) {
      const delay = `/v1/config/contexts/${user.context}/properties/com.openexchange.pns.delayDuration`;
      await send('PUT', delay, { value: 0 });
      await notify(user, 'now');
    }
    const dispatcher = await startProcess(AggregationModule.ticking());
    await dispatcher.get(TickWorker, { strict: false }).start(dispatch);
    await begun.passed;
    const inBatches = async () => tracesOf(of, await dumped(api)).filter((line) => line.includes(':batch:'));
    await eventually('a batch contains the user', async () => (await inBatches()).length > 0);
    const erased = api.send('DELETE', `/v1/contexts/${of.context}/users/${of.user}`);
    await eventually('no batch contains the user', async () => (await inBatches()).length === 0);
    handedOver.open();
    expect((await erased).status).toBe(204);
    expect(tracesOf(of, await dumped(api))).toEqual([]);
    await eventually('the neighbour has deliveries', async () => deliveriesOf(neighbour, await dumped(api)) > 0);
  });
});
