import { setTimeout as pause } from 'node:timers/promises';
import { untilQuiet } from './eventually';
import { john, newMail } from './seeds';
import { System } from './system';

let system: System;

beforeAll(async () => {
  system = await System.start({
    processes: { api: 4, 'worker-websocket': 0 },
    properties: {
      'com.openexchange.pns.maxDelayDuration': 4000,
      'com.openexchange.pns.aggregation.collected': 'collect',
      'com.openexchange.pns.aggregation.newest': 'latest',
    },
  });
}, 60_000);

afterAll(() => system?.stop());

const payloadsOf = async (count: number, box: string) =>
  (await system.arrivalsOf(count, box)).map(
    ({ body }) => (JSON.parse(body) as { payload: { id: string; count?: number } }).payload,
  );

describe('notifications through four API processes', () => {
  it('that are equal leave as one: a thousand of them in a window', async () => {
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
    await untilQuiet();
    expect((await system.arrivals('equal')).total).toBe(1);
  }, 30_000);

  it('that differ leave one by one: ten of them', async () => {
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
    await untilQuiet();
    expect((await system.arrivals('different')).total).toBe(10);
  }, 30_000);

  it.each([
    ['collected', 10],
    ['newest', undefined],
  ])(
    'of the topic "%s" leave once with the newest payload',
    async (topic, count) => {
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
      await untilQuiet();
      expect((await system.arrivals(topic)).total).toBe(1);
    },
    30_000,
  );

  it('that never stop coming leave after maxDelayDuration', async () => {
    const user = { ...john, user: 4 };
    await system.subscribe(user, 'stream');
    const started = Date.now();
    let isOver = false;
    const arrived = system.arrivalsOf(1, 'stream').finally(() => (isOver = true));
    for (let at = 0; !isOver; at++) {
      await system.expect(
        202,
        'POST',
        '/v1/notifications',
        { ...user, topic: 'ox:mail:new', payload: newMail },
        system.app('api', at % 4),
      );
      await pause(500);
    }
    const [first] = await arrived;
    expect((first?.at ?? 0) - started).toBeGreaterThanOrEqual(4000);
    expect((first?.at ?? 0) - started).toBeLessThanOrEqual(4000 + 500 + 300);
  }, 30_000);
});
