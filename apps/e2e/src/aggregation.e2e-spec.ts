import { setTimeout as pause } from 'node:timers/promises';
import { untilQuiet } from './until-quiet';
import { john, newMail } from './seeds';
import { System } from './system';

let system: System;

/** The window, in ms. It is long enough for notifications that arrive slowly. */
const delayMs = 3000;

beforeAll(async () => {
  system = await System.start({
    isDurable: false,
    processes: { api: 4, 'worker-websocket': 0 },
    properties: {
      'com.openexchange.pns.delayDuration': delayMs,
      'com.openexchange.pns.maxDelayDuration': 60_000,
      'com.openexchange.pns.aggregation.collected': 'collect',
      'com.openexchange.pns.aggregation.newest': 'latest',
    },
  });
});

afterAll(() => system?.stop());

const payloadsOf = async (count: number, box: string) =>
  (await system.arrivalsOf(count, box)).map(
    ({ body }) => (JSON.parse(body) as { payload: { id: string; count?: number } }).payload,
  );

describe('notifications through four API processes', () => {
  it('are sent as one if they are equal: a thousand of them in a window', async () => {
    const user = { ...john, user: 1 };
    await system.subscribe(user, 'equal');
    const batch = Array.from({ length: 50 }, () => ({ ...user, topic: 'ox:mail:new', payload: newMail }));
    const apis = system.all('api');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        system.expect<{ accepted: number }>(
          202,
          'POST',
          '/v1/notifications',
          { notifications: batch },
          apis[index % 4],
        ),
      ),
    );
    expect(answers.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(1000);
    expect(await payloadsOf(1, 'equal')).toHaveLength(1);
    await untilQuiet(delayMs);
    expect((await system.arrivals('equal')).total).toBe(1);
  });

  it('are sent one by one if they differ: ten of them', async () => {
    const user = { ...john, user: 2 };
    await system.subscribe(user, 'different');
    await Promise.all(
      Array.from({ length: 10 }, (_, id) =>
        system.expect(
          202,
          'POST',
          '/v1/notifications',
          { ...user, topic: 'ox:mail:new', payload: { ...newMail, id: `${id}` } },
          system.app('api', id % 4),
        ),
      ),
    );
    const ids = (await payloadsOf(10, 'different')).map(({ id }) => id);
    expect(ids.sort()).toEqual(Array.from({ length: 10 }, (_, id) => `${id}`));
    await untilQuiet(delayMs);
    expect((await system.arrivals('different')).total).toBe(10);
  });

  it.each([
    ['collected', 10],
    ['newest', undefined],
  ])('of the topic "%s" leave once with the newest payload', async (topic, count) => {
    const user = { ...john, user: 3 };
    await system.subscribe(user, topic, [topic]);
    for (let id = 1; id <= 10; id++) {
      await system.expect(
        202,
        'POST',
        '/v1/notifications',
        { ...user, topic, payload: { id: `${id}` } },
        system.app('api', id % 4),
      );
    }
    const [payload] = await payloadsOf(1, topic);
    expect(payload).toMatchObject({ id: '10' });
    expect(payload?.count).toBe(count);
    await untilQuiet(delayMs);
    expect((await system.arrivals(topic)).total).toBe(1);
  });

  it('are sent after maxDelayDuration if they never stop', async () => {
    const context = 2;
    for (const [name, value] of Object.entries({ delayDuration: 3000, maxDelayDuration: 4000 })) {
      const property = `com.openexchange.pns.${name}`;
      await system.expect(200, 'PUT', `/v1/config/contexts/${context}/properties/${property}`, { value });
      await system.untilObeyed({ context, user: 1 }, property, value);
    }
    const mostMs = 4000 + 500 + 500;
    const took: number[] = [];
    for (let user = 1; user <= 10 && !(Math.min(...took) <= mostMs); user++) {
      const { tookMs, longestGapMs } = await streamTo({ context, user });
      // On a busy machine nothing may be posted for three seconds. The window then closes early, so this stream does not count.
      if (longestGapMs <= 2900) took.push(tookMs);
    }
    expect(Math.min(...took)).toBeGreaterThanOrEqual(4000);
    expect(Math.min(...took)).toBeLessThanOrEqual(mostMs);
  }, 240_000);
});

/**
 * Posts to a user until the first push arrives. Returns the time from before the first POST to the push, and the longest possible
 * gap between two notifications, or between the last notification and the push.
 */
async function streamTo(user: { context: number; user: number }): Promise<{ tookMs: number; longestGapMs: number }> {
  const box = `stream-${user.user}`;
  await system.subscribe(user, box);
  const posts: { readonly from: number; readonly to: number }[] = [];
  let isOver = false;
  const arrived = system.arrivalsOf(1, box).finally(() => (isOver = true));
  for (let at = 0; !isOver; at++) {
    const from = Date.now();
    const notification = { ...user, topic: 'ox:mail:new', payload: newMail };
    await system.expect(202, 'POST', '/v1/notifications', notification, system.app('api', at % 4));
    posts.push({ from, to: Date.now() });
    await pause(300);
  }
  const pushedAt = (await arrived)[0]?.at ?? NaN;
  const gaps = posts.map(({ from }, index) => Math.min(posts[index + 1]?.to ?? pushedAt, pushedAt) - from);
  return { tookMs: pushedAt - (posts[0]?.from ?? NaN), longestGapMs: Math.max(...gaps) };
}
