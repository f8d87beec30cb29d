import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cuttableLink, testRedisUrl } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import type { PropertyPlace } from '@pns/persistence';
import { changeOf, openSite, set, withinOneSecond, type Site, type SiteProcess } from './testing/site';

const delay = 'com.openexchange.pns.delayDuration';
const base = 'com.openexchange.pns.transport.websocket.enabled';
const john = { context: 1, user: 14 };
const mail = { client: 'ui', topic: 'ox:mail:new' };

let site: Site;

beforeEach(async () => {
  site = await openSite();
});

afterEach(() => site.close());

async function delayOf({ cascade }: SiteProcess): Promise<number> {
  await cascade.load([john]);
  return cascade.resolve(delay, john).value;
}

it.each<[string, PropertyPlace]>([
  ['the server', { scope: 'server' }],
  ['a context', { scope: 'context', context: 1 }],
  ['a user', { scope: 'user', ...john }],
])('a value that one process sets for %s is in effect in another within a second', async (_, place) => {
  const [writer, reader] = [await site.start(), await site.start()];
  await site.hearing(2);
  expect(await delayOf(reader)).toBe(1000);
  await withinOneSecond(
    async (round) => {
      await set(writer, place, delay, String(round));
      expect(await delayOf(writer)).toBe(round);
    },
    async (round) => (await delayOf(reader)) === round,
  );
  await writer.changes.make(changeOf(place), () => writer.store.remove(place, delay));
  await eventually('the default is in effect', async () => (await delayOf(reader)) === 1000);
});

it('a change during a lost connection to Redis takes effect after the reconnect', async () => {
  const link = await cuttableLink(testRedisUrl());
  const [writer, reader] = [await site.start(), await site.start({ redisUrl: link.url })];
  await site.hearing(2);
  expect(await delayOf(reader)).toBe(1000);
  link.cut();
  await writer.store.put({ scope: 'context', context: 1 }, { name: delay, value: '7' }); // the store itself announces nothing
  link.mend();
  await eventually('the change is in effect', async () => (await delayOf(reader)) === 7);
  await site.stopProcesses();
  await link.close();
});

it('has no templates for the pushes of a user who was not loaded', async () => {
  const process = await site.start();
  const style = () => process.cascade.pushStyle({ ...john, ...mail });
  expect(style).toThrow('user 14 of context 1 are not loaded');
  await process.cascade.load([john]);
  expect(style()).toHaveProperty('title');
});

it('asks Postgres once for a batch, and not at all for known values', async () => {
  const process = await site.start();
  await site.hearing(1);
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

it('a write during the load of a batch makes only the affected users load again', async () => {
  const process = await site.start();
  // On a slow machine an announcement may be overdue. Without this mock the process would then read all users again.
  jest.spyOn(process.pendingChanges, 'isAnyOlderThan').mockResolvedValue(false);
  await site.hearing(1);
  const read = process.store.subjects.bind(process.store);
  const subjects = jest.spyOn(process.store, 'subjects');
  const [user, context, other] = [john, { context: 2, user: 1 }, { context: 3, user: 1 }];
  const batch = [user, context, other];
  const later = { context: 9, user: 9 }; // a user outside the batch
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
  // The process also receives its own announcements, maybe only now. Then it reads the two changed users again.
  for (const [, asked] of subjects.mock.calls.slice(1)) expect(asked).not.toContainEqual(other);
});

it('context sets of the API take precedence over those of files', async () => {
  mkdirSync(join(site.folder, 'contextSets'));
  const block = `gold:\n  withTags: vip & !trial\n  addTags: shiny\n  ${delay}: 20\n  com.example.unknown: x\n`;
  writeFileSync(join(site.folder, 'contextSets', 'sets.yml'), `${block}late:\n  withTags: shiny\n  ${base}: false\n`);
  await site.start(); // creates the tables
  await site.sql.query(`INSERT INTO contexts (context_id, tags) VALUES (1, '{vip}')`);
  const process = await site.start();
  await process.cascade.load([john]);
  expect(process.cascade.resolve(delay, john)).toEqual({ value: 20, origin: { scope: 'contextSet', id: 'gold' } });
  expect(process.cascade.isEnabled('websocket', { ...john, ...mail })).toBe(false);
  await process.store.putContextSet({ name: 'api', rank: 5, withTags: 'vip' });
  await set(process, { scope: 'contextSet', set: 'api' }, delay, '30');
  expect(await delayOf(process)).toBe(30);
  await process.changes.make({ scope: 'server' }, async () => {
    await process.store.putContextSet({ name: 'gold', rank: 1, withTags: 'nobody' });
    await process.store.removeContextSet('api');
  });
  expect(await delayOf(process)).toBe(1000);
});

it('drops the values of all users of an erased context, also when the context is created again', async () => {
  const process = await site.start();
  await site.hearing(1);
  const jane = { context: 1, user: 15 };
  // No process has loaded these users, so no announcement is needed.
  for (const user of [john, jane]) await process.store.put({ scope: 'user', ...user }, { name: delay, value: '9' });
  await process.cascade.load([john, jane]);
  await process.changes.make({ scope: 'context', context: 1, withUsers: true }, async () => {
    while ((await process.rows.erase({ context: 1 }, 1)) > 0);
  });
  await set(process, { scope: 'user', ...jane }, delay, '8');
  await process.cascade.load([jane]); // loads her context too
  await process.cascade.load([john]);
  expect(process.cascade.resolve(delay, jane).value).toBe(8);
  expect(process.cascade.resolve(delay, john).value).toBe(1000);
});

it('a version that is not the current one changes nothing', async () => {
  const { store } = await site.start();
  const place = { scope: 'context', context: 1 } as const;
  const first = await store.put(place, { name: delay, value: '1' });
  await store.put(place, { name: delay, value: '2' }, first);
  await expect(store.put(place, { name: delay, value: '3' }, first)).rejects.toMatchObject({
    code: 'VERSION_CHANGED',
  });
  await expect(store.remove(place, delay, first)).rejects.toMatchObject({ code: 'VERSION_CHANGED' });
  expect(await store.property(place, delay)).toMatchObject({ value: '2' });
  const missing = store.put({ scope: 'contextSet', set: 'none' }, { name: delay, value: '1' });
  await expect(missing).rejects.toMatchObject({ code: 'CONTEXT_SET_NOT_FOUND' });
});
