import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '@pns/local-servers/waiting';
import { Redis } from 'ioredis';
import { listen, type Listener } from './sockets';
import { System } from './system';

/** A number that occurs nowhere else, so that traces of the context can be found by a text search. */
const context = 76_543_219;
const users = Array.from({ length: 200 }, (_, index) => index + 1);
const perUser = 5;

let system: System;
const sockets: Listener[] = [];

beforeAll(async () => {
  system = await System.start({
    isDurable: false,
    hasRedisCluster: true,
    processes: { api: 2, dispatcher: 2, 'worker-webhook': 2, 'worker-websocket': 1 },
    env: { PNS_SHARDS: '16' },
  });
  for (const user of users) {
    await system.subscribe({ context, user }, 'box', ['ox:mail:new']);
    sockets.push(await listen(system, { context, user }));
  }
}, 180_000);

afterAll(async () => {
  for (const { socket } of sockets) socket.close();
  await system?.stop();
});

/** Posts `perUser` different notifications for each user, half of them at each API. Returns each as `<user> <id>`. */
async function post(round: string): Promise<Set<string>> {
  const posted = new Set<string>();
  for (let number = 0; number < perUser; number++) {
    const notifications = users.map((user) => {
      const id = `${round}-${number}-${user}`;
      posted.add(`${user} ${id}`);
      return { id, context, user, topic: 'ox:mail:new', payload: { folder: 'default0/INBOX', id } };
    });
    await postUntilAccepted({ notifications }, number % 2);
  }
  return posted;
}

/** Posts a request until it is accepted. Like a producer, it repeats the request after a 503, with the same ids. */
async function postUntilAccepted(body: object, api: number): Promise<void> {
  await eventually('the notifications are accepted', async () => {
    const { status } = await system.request('POST', '/v1/notifications', body, system.app('api', api));
    expect([202, 503]).toContain(status);
    return status === 202;
  });
}

/** The notifications that arrived at the webhook in a round, without repetitions of a delivery. */
async function atWebhook(round: string, total: number): Promise<string[]> {
  const items = await system.arrivalsOf(total, 'box', 90_000);
  return items
    .filter(({ isDuplicate }) => !isDuplicate)
    .map(({ body }) => (JSON.parse(body) as { payload: { user: number; id: string } }).payload)
    .filter(({ id }) => id.startsWith(`${round}-`))
    .map(({ user, id }) => `${user} ${id}`);
}

const idsOf = ({ received }: Listener): string[] => received.map(({ frame }) => (frame[1] as { id: string }).id);

/** The events that arrived at the sockets in a round, when each socket has received `total` different ones. */
async function atSockets(round: string, total: number): Promise<string[]> {
  await Promise.all(sockets.map((socket) => socket.until(() => new Set(idsOf(socket)).size >= total)));
  return sockets.flatMap((socket, index) =>
    idsOf(socket)
      .filter((id) => id.startsWith(`${round}-`))
      .map((id) => `${users[index]} ${id}`),
  );
}

const sorted = (texts: Iterable<string>): string[] => [...texts].sort();

/** The keys and values of a Redis master, as text. */
async function contentOf(url: string): Promise<string> {
  const redis = new Redis(url);
  const read: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
    string: (key) => redis.get(key),
    hash: (key) => redis.hgetall(key),
    list: (key) => redis.lrange(key, 0, -1),
    set: (key) => redis.smembers(key),
    zset: (key) => redis.zrange(key, 0, -1),
    stream: (key) => redis.xrange(key, '-', '+'),
  };
  const keys = await redis.keys('*');
  const values = await Promise.all(keys.map(async (key) => [key, await read[await redis.type(key)]?.(key)]));
  redis.disconnect();
  return JSON.stringify(values);
}

const mastersWithTraces = async (): Promise<number> =>
  (await Promise.all(system.cluster.masters.map(({ url }) => contentOf(url)))).filter((text) =>
    text.includes(`${context}`),
  ).length;

describe('over a Redis cluster', () => {
  it('a thousand notifications of two hundred users come to webhook and sockets, each once', async () => {
    const posted = sorted(await post('calm'));
    expect(sorted(await atWebhook('calm', 1000))).toEqual(posted);
    expect(sorted(await atSockets('calm', perUser))).toEqual(posted);
    expect((await system.arrivals('box')).duplicates).toBe(0);
  });

  it('all accepted notifications arrive although a master is killed meanwhile', async () => {
    const posting = post('crash');
    await pause(200); // by then a part of the notifications is accepted, and the other part is not
    await system.cluster.crash(0, () => pause(500));
    const posted = await posting;
    expect(new Set(await atWebhook('crash', 2000))).toEqual(posted);
    expect(new Set(await atSockets('crash', 2 * perUser))).toEqual(posted);
  }, 180_000);

  it('a property that is changed at one API takes effect in the other one and in the dispatchers', async () => {
    const user = 9001;
    const name = 'com.openexchange.pns.transport.webhooks.enabled';
    const set = (value: boolean) =>
      system.expect(200, 'PUT', `/v1/config/contexts/${context}/users/${user}/properties/${name}`, { value });
    const valueAtOther = async (): Promise<unknown> => {
      const path = `/v1/config/effective?context=${context}&user=${user}&prefix=${name}`;
      const { items } = await system.expect<{ items: { value: unknown }[] }>(
        200,
        'GET',
        path,
        undefined,
        system.app('api', 0),
      );
      return items[0]?.value;
    };
    await system.subscribe({ context, user }, 'changed');
    for (const value of [false, true]) {
      expect(await valueAtOther()).toBe(!value); // so that the other API caches the value
      await set(value);
      await eventually('the other API returns the new value', async () => (await valueAtOther()) === value);
    }
    let number = 0;
    await eventually('a push has arrived', async () => {
      const payload = { number: number++ };
      await system.expect(202, 'POST', '/v1/notifications', { context, user, topic: 'ox:test', payload });
      return (await system.arrivals('changed')).accepted > 0;
    });
  });

  it('a test push returns its outcome', async () => {
    const subscription = { context, user: 9002, client: 'sandbox', transport: 'webhook', topics: ['*'] };
    const { id } = await system.expect<{ id: string }>(201, 'POST', '/v1/subscriptions', {
      ...subscription,
      token: `${system.sandbox.url}/webhooks/tested`,
    });
    await expect(system.expect(200, 'POST', `/v1/subscriptions/${id}/test`)).resolves.toMatchObject({
      outcome: 'delivered',
    });
  });

  it('a context that is deleted leaves nothing on any master', async () => {
    for (const name of ['delayDuration', 'maxDelayDuration']) {
      const property = `com.openexchange.pns.${name}`;
      await system.expect(200, 'PUT', `/v1/config/contexts/${context}/properties/${property}`, { value: 600_000 });
      await system.untilObeyed({ context, user: 1 }, property, 600_000);
    }
    await post('never');
    expect(await mastersWithTraces()).toBe(3);
    await system.expect(204, 'DELETE', `/v1/contexts/${context}`);
    expect(await mastersWithTraces()).toBe(0);
    expect((await system.arrivals('box')).items.filter(({ body }) => body.includes('never-'))).toEqual([]);
  });
});
