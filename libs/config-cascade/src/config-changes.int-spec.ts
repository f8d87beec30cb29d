import { cuttableLink, testRedisUrl } from '@pns/local-servers';
import { openSite, set, within, withinOneSecond, type Site, type SiteProcess } from './testing/site';

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

describe('a change that its writer could not tell of', () => {
  const place = { scope: 'context', context: 1 } as const;

  it('is obeyed within a second when the writer died after it', async () => {
    const [writer, reader] = [await site.start(), await site.start()];
    await site.hearing(2);
    expect(await delayOf(reader)).toBe(1000);
    await writer.unannounced.add();
    await writer.store.put(place, { name: delay, value: '7' });
    await withinOneSecond(async () => (await delayOf(reader)) === 7);
  });

  it('is obeyed within a second when it was long in the writing', async () => {
    const [writer, reader] = [await site.start(), await site.start()];
    await site.hearing(2);
    await writer.unannounced.add();
    // Everything has been read again because of the mark, and is known now.
    const subjects = jest.spyOn(reader.store, 'subjects');
    await withinOneSecond(async () => (await delayOf(reader)) === 1000 && subjects.mock.calls.length > 1);
    await writer.store.put(place, { name: delay, value: '7' });
    await withinOneSecond(async () => (await delayOf(reader)) === 7);
  });

  it('is obeyed within a second when the writer has lost Redis', async () => {
    const link = await cuttableLink(testRedisUrl());
    const [writer, reader] = [await site.start({ redisUrl: link.url }), await site.start()];
    await site.hearing(2);
    expect(await delayOf(reader)).toBe(1000);
    link.cut();
    await set(writer, place, delay, '7');
    await withinOneSecond(async () => (await delayOf(reader)) === 7);
    await site.stopProcesses();
    await link.close();
  });

  it('is obeyed when Postgres is back, however long it could not be asked', async () => {
    const link = await cuttableLink(site.databaseUrl);
    const [writer, reader] = [await site.start(), await site.start({ databaseUrl: link.url })];
    await site.hearing(2);
    expect(await delayOf(reader)).toBe(1000);
    const asked = jest.spyOn(reader.unannounced, 'isAnyOlderThan');
    link.cut();
    await within(5000, () => asked.mock.calls.length > 1);
    await writer.store.put(place, { name: delay, value: '7' }); // its mark has come and gone
    link.mend();
    await withinOneSecond(async () => (await delayOf(reader)) === 7);
    await site.stopProcesses();
    await link.close();
  });

  it('leaves a mark for a minute', async () => {
    const { unannounced } = await site.start();
    const ages = async () =>
      (
        await site.sql.query<{ age: number }>(
          'SELECT extract(epoch FROM now() - since)::int AS age FROM unannounced_changes',
        )
      ).rows;
    await unannounced.add();
    expect(await unannounced.isAnyOlderThan(1000)).toBe(false);
    await site.sql.query(`UPDATE unannounced_changes SET since = now() - interval '59 s'`);
    expect(await unannounced.isAnyOlderThan(1000)).toBe(true);
    expect(await ages()).toHaveLength(1);
    await site.sql.query(`UPDATE unannounced_changes SET since = now() - interval '61 s'`);
    expect(await unannounced.isAnyOlderThan(1000)).toBe(true);
    expect(await ages()).toHaveLength(0);
  });
});

it('what was told leaves no mark, and has nobody read everything again', async () => {
  const [writer, reader] = [await site.start(), await site.start()];
  await site.hearing(2);
  const jane = { context: 2, user: 1 };
  await reader.cascade.load([john, jane]);
  await set(writer, { scope: 'user', ...john }, delay, '5');
  await withinOneSecond(async () => (await delayOf(reader)) === 5);
  await withinOneSecond(async () => (await site.sql.query('SELECT FROM unannounced_changes')).rowCount === 0);
  expect(reader.cascade.knows([jane])).toBe(true);
});

it('a change is obeyed within seconds by a process whose connection to Redis has died without a word', async () => {
  const link = await cuttableLink(testRedisUrl());
  const [writer, reader] = [await site.start(), await site.start({ redisUrl: link.url })];
  await site.hearing(2);
  expect(await delayOf(reader)).toBe(1000);
  link.swallow();
  await set(writer, { scope: 'context', context: 1 }, delay, '7');
  await within(4000, async () => (await delayOf(reader)) === 7);
  await site.stopProcesses();
  await link.close();
});
