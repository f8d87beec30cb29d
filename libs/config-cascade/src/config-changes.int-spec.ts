import { cuttableLink, testRedisUrl } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { PendingChangeStore } from '@pns/persistence';
import { DataSource } from 'typeorm';
import { openSite, set, withinOneSecond, type Site, type SiteProcess } from './testing/site';

const delay = 'com.openexchange.pns.delayDuration';
const john = { context: 1, user: 14 };

let site: Site;

beforeEach(async () => {
  site = await openSite();
});

afterEach(() => site.close());

async function delayOf({ cascade }: SiteProcess): Promise<number> {
  await cascade.load([john]);
  return cascade.resolve(delay, john).value;
}

describe('a change whose announcement was lost', () => {
  const place = { scope: 'context', context: 1 } as const;

  it('takes effect within a second when the writer died after it', async () => {
    const [writer, reader] = [await site.start(), await site.start()];
    await site.hearing(2);
    expect(await delayOf(reader)).toBe(1000);
    let mark = '0';
    await withinOneSecond(
      async (round) => {
        await writer.pendingChanges.remove(mark); // the mark of the previous round
        mark = await writer.pendingChanges.add();
        await writer.store.put(place, { name: delay, value: String(round) });
      },
      async (round) => (await delayOf(reader)) === round,
    );
  });

  it('takes effect when the write took long', async () => {
    const [writer, reader] = [await site.start(), await site.start()];
    await site.hearing(2);
    await writer.pendingChanges.add();
    // Before the value is stored, `reader` finds the mark that `add` stored, and reads everything again.
    const subjects = jest.spyOn(reader.store, 'subjects');
    await eventually('the process reads again', async () => {
      return (await delayOf(reader)) === 1000 && subjects.mock.calls.length > 1;
    });
    await writer.store.put(place, { name: delay, value: '7' });
    await eventually('the change is in effect', async () => (await delayOf(reader)) === 7);
  });

  it('takes effect when the writer has lost Redis', async () => {
    const link = await cuttableLink(testRedisUrl());
    const [writer, reader] = [await site.start({ redisUrl: link.url }), await site.start()];
    await site.hearing(2);
    expect(await delayOf(reader)).toBe(1000);
    link.cut();
    await set(writer, place, delay, '7');
    await eventually('the change is in effect', async () => (await delayOf(reader)) === 7);
    await site.stopProcesses();
    await link.close();
  });

  it('takes effect when Postgres is back, after any time', async () => {
    const link = await cuttableLink(site.databaseUrl);
    const [writer, reader] = [await site.start(), await site.start({ databaseUrl: link.url })];
    await site.hearing(2);
    expect(await delayOf(reader)).toBe(1000);
    const asked = jest.spyOn(reader.pendingChanges, 'isAnyOlderThan');
    link.cut();
    await eventually('the process looks for marks', () => asked.mock.calls.length > 1);
    await writer.store.put(place, { name: delay, value: '7' }); // as if its mark had been added and removed meanwhile
    link.mend();
    await eventually('the change is in effect', async () => (await delayOf(reader)) === 7);
    await site.stopProcesses();
    await link.close();
  });

  it('leaves a mark for a minute', async () => {
    await site.start(); // creates the table
    await site.stopProcesses(); // a running process would read marks and delete old marks
    const database = await new DataSource({ type: 'postgres', url: site.databaseUrl }).initialize();
    const pendingChanges = new PendingChangeStore(database);
    const ages = async () =>
      (
        await site.sql.query<{ age: number }>(
          'SELECT extract(epoch FROM now() - since)::int AS age FROM unannounced_changes',
        )
      ).rows;
    await pendingChanges.add();
    expect(await pendingChanges.isAnyOlderThan(30_000)).toBe(false);
    await site.sql.query(`UPDATE unannounced_changes SET since = now() - interval '59 s'`);
    expect(await pendingChanges.isAnyOlderThan(1000)).toBe(true);
    expect(await ages()).toHaveLength(1);
    await site.sql.query(`UPDATE unannounced_changes SET since = now() - interval '61 s'`);
    expect(await pendingChanges.isAnyOlderThan(1000)).toBe(true);
    expect(await ages()).toHaveLength(0);
    await database.destroy();
  });
});

it('an announced change leaves no mark, and no process reads everything again', async () => {
  const [writer, reader] = [await site.start(), await site.start()];
  await site.hearing(2);
  const jane = { context: 2, user: 1 };
  const isJaneKept: boolean[] = [];
  // On a busy machine a mark may be removed so late that it counts as the mark of a dead writer, so there are several rounds.
  for (let round = 1; round <= 10 && isJaneKept.at(-1) !== true; round++) {
    await reader.cascade.load([john, jane]);
    await set(writer, { scope: 'user', ...john }, delay, String(round));
    await eventually('the change is in effect', async () => (await delayOf(reader)) === round);
    const marks = () => site.sql.query('SELECT FROM unannounced_changes');
    await eventually('the mark is removed', async () => (await marks()).rowCount === 0);
    isJaneKept.push(reader.cascade.knows([jane]));
  }
  expect(isJaneKept).toContain(true);
});

it('a change takes effect within seconds in a process whose connection to Redis died without an error', async () => {
  const link = await cuttableLink(testRedisUrl());
  const [writer, reader] = [await site.start(), await site.start({ redisUrl: link.url })];
  await site.hearing(2);
  expect(await delayOf(reader)).toBe(1000);
  link.swallow();
  await set(writer, { scope: 'context', context: 1 }, delay, '7');
  await eventually('the change is in effect', async () => (await delayOf(reader)) === 7);
  await site.stopProcesses();
  await link.close();
});
