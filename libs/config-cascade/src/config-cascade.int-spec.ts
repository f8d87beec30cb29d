import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { freshDatabase, freshPrefix, testRedisUrl, type FreshDatabase } from '@pns/local-servers';
import { ConfigStore, ErasureStore, PersistenceModule, type PropertyPlace } from '@pns/persistence';
import { QueueModule } from '@pns/queue';
import { log, nestLogger, RuntimeModule } from '@pns/runtime';
import * as fc from 'fast-check';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { ConfigCascade } from './config-cascade';
import { ConfigCascadeModule } from './config-cascade.module';
import { ConfigChanges } from './config-changes';
import { cascadeOf, inRankOrder, matchingSets } from './context-sets';
import { contentOf, type ConfigChange } from './subject-cache';
import { parseTagExpression } from './tag-expression';
import { decide } from './transport-switch';

const delay = 'com.openexchange.pns.delayDuration';
const base = 'com.openexchange.pns.transport.websocket.enabled';
const john = { context: 1, user: 14 };
const mail = { client: 'ui', topic: 'ox:mail:new' };

let folder: string;
let database: FreshDatabase;
let sql: Client;
let prefix: string;
const opened: INestApplicationContext[] = [];

beforeEach(async () => {
  log.level = 'silent';
  folder = mkdtempSync(join(tmpdir(), 'pns-cascade-'));
  database = await freshDatabase();
  prefix = freshPrefix();
  sql = new Client({ connectionString: database.url });
  await sql.connect();
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((app) => app.close()));
  await sql.end();
  await database.drop();
  rmSync(folder, { recursive: true });
});

interface Process {
  readonly cascade: ConfigCascade;
  readonly changes: ConfigChanges;
  readonly store: ConfigStore;
  readonly rows: ErasureStore;
}

/** What one process has of the cascade. */
async function startProcess(): Promise<Process> {
  const app = await NestFactory.createApplicationContext(
    {
      module: class {},
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: testRedisUrl(), shards: 1, prefix }),
        ConfigCascadeModule.forRoot({ configDir: folder }),
        PersistenceModule.forRoot({ databaseUrl: database.url }),
      ],
    },
    { logger: nestLogger },
  );
  opened.push(app);
  const part = <Part>(token: abstract new (...args: never[]) => Part) => app.get<Part>(token, { strict: false });
  return {
    cascade: part(ConfigCascade),
    changes: part(ConfigChanges),
    store: part(ConfigStore),
    rows: part(ErasureStore),
  };
}

function changeOf(place: PropertyPlace): ConfigChange {
  return place.scope === 'context' || place.scope === 'user' ? place : { scope: 'server' };
}

async function set({ store, changes }: Process, place: PropertyPlace, name: string, value: string): Promise<void> {
  await store.put(place, { name, value });
  await changes.announce(changeOf(place));
}

/** Fails when `holds` does not come true within a second. */
async function withinOneSecond(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 1000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it has not come true within a second');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function delayOf({ cascade }: Process): Promise<number> {
  await cascade.load([john]);
  return cascade.resolve(delay, john).value;
}

/** Resolves when `process` hears of changes: of one to an unknown user, who is nobody's. */
async function hearing(process: Process, other: Process): Promise<void> {
  const redis = new Redis(testRedisUrl());
  const channel = `${prefix}:config:changed`;
  const subscribers = async () => Number(((await redis.pubsub('NUMSUB', channel)) as [string, number])[1]);
  await withinOneSecond(async () => (await subscribers()) === (process === other ? 1 : 2));
  await redis.quit();
}

it.each<[string, PropertyPlace]>([
  ['the server', { scope: 'server' }],
  ['a context', { scope: 'context', context: 1 }],
  ['a user', { scope: 'user', ...john }],
])('a value that one process sets for %s is obeyed by another within a second', async (_, place) => {
  const [writer, reader] = [await startProcess(), await startProcess()];
  await hearing(writer, reader);
  expect(await delayOf(reader)).toBe(1000);
  await set(writer, place, delay, '5');
  expect(await delayOf(writer)).toBe(5);
  await withinOneSecond(async () => (await delayOf(reader)) === 5);
  await writer.store.remove(place, delay);
  await writer.changes.announce(changeOf(place));
  await withinOneSecond(async () => (await delayOf(reader)) === 1000);
});

it('what changed while the connection to Redis was cut is obeyed when it is back', async () => {
  const [writer, reader] = [await startProcess(), await startProcess()];
  await hearing(writer, reader);
  expect(await delayOf(reader)).toBe(1000);
  const redis = new Redis(testRedisUrl());
  await redis.client('KILL', 'TYPE', 'pubsub');
  await writer.store.put({ scope: 'context', context: 1 }, { name: delay, value: '7' }); // and nobody is told
  await withinOneSecond(async () => (await delayOf(reader)) === 7);
  await redis.quit();
});

it('asks Postgres once for a batch, and not at all for what it knows', async () => {
  const process = await startProcess();
  await hearing(process, process);
  const subjects = jest.spyOn(process.store, 'subjects');
  const batch = Array.from({ length: 500 }, (_, index) => ({ context: 1 + (index % 50), user: 1 + index }));
  await process.cascade.load(batch);
  await process.cascade.load(batch);
  await process.cascade.load(batch.map(({ context, user }) => ({ context, user: user + 1000 })));
  expect(subjects).toHaveBeenCalledTimes(1);
  await set(process, { scope: 'user', context: 3, user: 3 }, delay, '9');
  await process.cascade.load(batch);
  expect(subjects).toHaveBeenCalledTimes(2);
  expect(process.cascade.resolve(delay, { context: 3, user: 3 })).toEqual({ value: 9, origin: { scope: 'user' } });
  expect(process.cascade.resolve(delay, { context: 3, user: 53 }).value).toBe(1000);
});

it('what is written while a batch is read has nobody read again but whom it concerns', async () => {
  const process = await startProcess();
  await hearing(process, process);
  const read = process.store.subjects.bind(process.store);
  const subjects = jest.spyOn(process.store, 'subjects');
  const [user, context, other] = [john, { context: 2, user: 1 }, { context: 3, user: 1 }];
  const batch = [user, context, other];
  const later = { context: 9, user: 9 }; // whom nobody asks for
  subjects.mockImplementationOnce(async (...asked) => {
    const rows = await read(...asked);
    await set(process, { scope: 'user', ...user }, delay, '1');
    await set(process, { scope: 'context', context: 2 }, delay, '2');
    await set(process, { scope: 'user', ...later }, delay, '3');
    return rows;
  });
  await process.cascade.load(batch);
  await process.cascade.load(batch);
  expect(subjects.mock.lastCall).toEqual([
    [1, 2],
    [user, context],
  ]);
  expect(batch.map((each) => process.cascade.resolve(delay, each).value)).toEqual([1, 2, 1000]);
  await process.cascade.load(batch);
  expect(subjects).toHaveBeenCalledTimes(2);
});

it('context sets of files lie beneath those of the API', async () => {
  mkdirSync(join(folder, 'contextSets'));
  const block = `gold:\n  withTags: vip & !trial\n  addTags: shiny\n  ${delay}: 20\n  com.example.unknown: x\n`;
  writeFileSync(join(folder, 'contextSets', 'sets.yml'), `${block}late:\n  withTags: shiny\n  ${base}: false\n`);
  await startProcess(); // makes the tables
  await sql.query(`INSERT INTO contexts (context_id, tags) VALUES (1, '{vip}')`);
  const process = await startProcess();
  await process.cascade.load([john]);
  expect(process.cascade.resolve(delay, john)).toEqual({ value: 20, origin: { scope: 'contextSet', id: 'gold' } });
  expect(process.cascade.isEnabled('websocket', { ...john, ...mail })).toBe(false);
  await process.store.putContextSet({ name: 'api', rank: 5, withTags: 'vip' });
  await set(process, { scope: 'contextSet', set: 'api' }, delay, '30');
  expect(await delayOf(process)).toBe(30);
  await process.store.putContextSet({ name: 'gold', rank: 1, withTags: 'nobody' });
  await process.store.removeContextSet('api');
  await process.changes.announce({ scope: 'server' });
  expect(await delayOf(process)).toBe(1000);
});

it('forgets what the users of an erased context had, also when others of them come back', async () => {
  const process = await startProcess();
  await hearing(process, process);
  const jane = { context: 1, user: 15 };
  // Nobody has asked for them, so nobody needs to be told.
  for (const user of [john, jane]) await process.store.put({ scope: 'user', ...user }, { name: delay, value: '9' });
  await process.cascade.load([john, jane]);
  while ((await process.rows.erase({ context: 1 }, 1)) > 0);
  await process.changes.announce({ scope: 'context', context: 1, withUsers: true });
  await set(process, { scope: 'user', ...jane }, delay, '8');
  await process.cascade.load([jane]); // and with her the context
  await process.cascade.load([john]);
  expect(process.cascade.resolve(delay, jane).value).toBe(8);
  expect(process.cascade.resolve(delay, john).value).toBe(1000);
});

it('a version that is not the current one changes nothing', async () => {
  const { store } = await startProcess();
  const place = { scope: 'context', context: 1 } as const;
  const { version } = await store.put(place, { name: delay, value: '1' });
  await store.put(place, { name: delay, value: '2' }, version);
  await expect(store.put(place, { name: delay, value: '3' }, version)).rejects.toMatchObject({
    code: 'VERSION_CHANGED',
  });
  await expect(store.remove(place, delay, version)).rejects.toMatchObject({ code: 'VERSION_CHANGED' });
  expect(await store.property(place, delay)).toMatchObject({ value: '2' });
  const missing = store.put({ scope: 'contextSet', set: 'none' }, { name: delay, value: '1' });
  await expect(missing).rejects.toMatchObject({ code: 'CONTEXT_SET_NOT_FOUND' });
});

it('answers from the cache what the pure function answers from the tables, whatever is written', async () => {
  const process = await startProcess();
  await hearing(process, process);
  const users = [1, 2].flatMap((context) => [1, 2].map((user) => ({ context, user })));
  const tags = fc.subarray(['vip', 'trial']);
  const place = fc.oneof(
    fc.constant<PropertyPlace>({ scope: 'server' }),
    fc.constant<PropertyPlace>({ scope: 'contextSet', set: 'gold' }),
    fc.constantFrom(1, 2).map((context): PropertyPlace => ({ scope: 'context', context })),
    fc.constantFrom(...users).map((user): PropertyPlace => ({ scope: 'user', ...user })),
  );
  const name = fc.constantFrom(base, `${base}.ui`, `${base}.ox:mail:new`, `${base}.ui.ox:mail:new`);
  const final = fc.option(fc.constantFrom('server' as const, 'context' as const, 'user' as const), { nil: undefined });
  const write = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('put' as const), place, name, value: fc.boolean(), final }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), place, name }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('tag' as const), user: fc.constantFrom(...users), tags }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('erase' as const), context: fc.constantFrom(1, 2) }) },
  );
  const { store, changes, cascade } = process;
  await store.putContextSet({ name: 'gold', rank: 1, withTags: 'vip & !trial' });

  const apply = async (step: typeof write extends fc.Arbitrary<infer Write> ? Write : never) => {
    if (step.kind === 'put') {
      const finality = step.final === undefined || step.place.scope === 'contextSet' ? {} : { final: step.final };
      await store.put(step.place, { name: step.name, value: String(step.value), ...finality });
      return changes.announce(changeOf(step.place));
    }
    if (step.kind === 'remove') {
      await store.remove(step.place, step.name);
      return changes.announce(changeOf(step.place));
    }
    if (step.kind === 'erase') {
      while ((await process.rows.erase({ context: step.context }, 1000)) > 0);
      return changes.announce({ scope: 'context', context: step.context, withUsers: true });
    }
    const { context, user } = step.user;
    const statement = `INSERT INTO users (context_id, user_id, tags) VALUES ($1, $2, $3)
                       ON CONFLICT (context_id, user_id) DO UPDATE SET tags = excluded.tags`;
    await sql.query(statement, [context, user, step.tags]);
    return changes.announce({ scope: 'user', ...step.user });
  };
  const expected = async (subject: (typeof users)[number]) => {
    const { server, sets } = await store.common();
    const { rows } = await sql.query<{ tags: string[] }>(
      'SELECT tags FROM users WHERE context_id = $1 AND user_id = $2',
      [subject.context, subject.user],
    );
    const tagged = { context: subject.context, contextTags: [], userTags: rows[0]?.tags ?? [] };
    const all = sets.map(({ withTags, properties, ...rest }) => ({
      ...rest,
      withTags: parseTagExpression(withTags),
      values: contentOf(properties)?.values ?? new Map<string, string>(),
    }));
    const scopes = cascadeOf({
      user: contentOf(await store.properties({ scope: 'user', ...subject })),
      context: contentOf(await store.properties({ scope: 'context', context: subject.context })),
      sets: matchingSets(inRankOrder(all), tagged),
      server: [{ name: 'server', values: new Map(), ...contentOf(server) }],
    });
    return decide(scopes, 'websocket', mail);
  };

  await fc.assert(
    fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 8 }), async (writes) => {
      for (const step of writes) {
        await apply(step);
        await cascade.load(users);
        for (const subject of users) {
          expect(cascade.explain('websocket', { ...subject, ...mail })?.decision).toEqual(await expected(subject));
        }
      }
    }),
    { numRuns: 25 },
  );
});
