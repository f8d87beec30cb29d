import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '@pns/local-servers/waiting';
import { KeySpace } from '@pns/redis';
import type { DemoApp } from '@pns/sandbox';
import { listen } from './sockets';
import { System } from './system';

/**
 * The time in which every process applies a change, in ms after the API's answer. The median of at least one series of rounds
 * must be shorter. Other series may be slower, because other programs use the machine too.
 */
const obeyedWithinMs = 1000;
const series = 4;

/** The time in which all processes apply a change after Redis is back, in ms. */
const patienceMs = 20_000;

let system: System;
/** A server that answers each request with 429. If it broke connections, the circuit would open, and no attempt would be made. */
const busy = createServer((request, response) => request.resume().on('end', () => response.writeHead(429).end()));

beforeAll(async () => {
  system = await System.start({
    isDurable: false,
    hasProviders: true,
    processes: { api: 2, 'worker-apns': 1 },
    properties: {
      'com.openexchange.pns.transport.apn.ios.enabled': 'true',
      'com.openexchange.pns.delayDuration': 0,
      'com.openexchange.pns.retry.baseDelay': 24 * 60 * 60 * 1000, // so long that no failed delivery is repeated in this test
    },
  });
  await once(busy.listen(0, '127.0.0.1'), 'listening');
  const uri = `http://127.0.0.1:${(busy.address() as AddressInfo).port}/`;
  const webhook = { uri, httpsOnly: false, allowedNetworks: ['127.0.0.0/8'] };
  await system.expect(200, 'PUT', '/v1/clients/busy/transports/webhook', webhook);
  await set('server', 'com.openexchange.webhooks.enabledIds', 'sandbox,busy');
  const { client, options } = phone();
  await system.expect(200, 'PUT', `/v1/clients/${client}/transports/apns`, options);
  await system.subscribe(sentinel, 'sentinel');
});

afterAll(async () => {
  await system?.stop();
  busy.close();
});

/** A decision of one kind of process for a user, before and after a property of that user is changed. */
interface Probe {
  /** Ensures that the process has decided by the old value and has cached it. */
  prepare(user: number): Promise<void>;
  change(user: number): Promise<void>;
  /** Waits until the process decides by the new value. Resolves with the time of the first decision, in ms since the epoch. */
  obeyed(user: number): Promise<number>;
}

async function set(place: string, name: string, value: string | number | boolean): Promise<void> {
  await system.expect(200, 'PUT', `/v1/config/${place}/properties/${name}`, { value }, system.app('api', 0));
}

const setFor = (user: number, name: string, value: number | boolean) => set(`contexts/1/users/${user}`, name, value);

/** A user in the key group of all tested users. Its push shows that the batch with their windows was dispatched. */
const sentinel = { context: 1, user: 1 };
const keys = new KeySpace(8);
const users = Array.from({ length: 10_000 }, (_, index) => index + 2).filter(
  (user) => keys.shardOf(1, user) === keys.shardOf(1, sentinel.user),
);
let posted = 0;

interface Addressee {
  readonly user: number;
  readonly topic: string;
  readonly payload?: object;
}

/**
 * Posts one notification for each addressee. Repeats the request after a 503, for example while Redis is unreachable.
 */
async function post(...addressees: readonly Addressee[]): Promise<void> {
  const payload = { number: ++posted };
  const notifications = addressees.map((each) => ({ context: 1, ...each, payload: { ...payload, ...each.payload } }));
  await eventually('the notifications are accepted', async () => {
    const { status } = await system.request('POST', '/v1/notifications', { notifications });
    expect([202, 503]).toContain(status);
    return status === 202;
  });
}

/** Repeats `ask` until its answer is not undefined, and returns the answer. */
const first = <Answer>(ask: () => Promise<Answer | undefined> | Answer | undefined) =>
  eventually('the process applies the change', ask);

/** The time of the first push that came to a webhook of the sandbox. */
async function firstPushAt(box: string): Promise<number | undefined> {
  return (await system.arrivals(box)).items[0]?.at;
}

/** A probe of the dispatcher. `switchFor` sets a property of a user, who gets nothing while the value is false. */
function dispatcherProbe(switchFor: (user: number, value: boolean) => Promise<void>): Probe {
  const topicOf = (user: number) => `ox:test:${user}`;
  return {
    async prepare(user) {
      await switchFor(user, false);
      await system.subscribe({ context: 1, user }, `box-${user}`);
      const before = (await system.arrivals('sentinel')).accepted;
      await post({ user, topic: topicOf(user) }, { user: sentinel.user, topic: 'ox:sentinel' });
      await system.arrivalsOf(before + 1, 'sentinel');
      expect(await firstPushAt(`box-${user}`)).toBeUndefined();
    },
    change: (user) => switchFor(user, true),
    obeyed: (user) =>
      first(async () => {
        await post({ user, topic: topicOf(user) });
        return firstPushAt(`box-${user}`);
      }),
  };
}

const webhooks = 'com.openexchange.pns.transport.webhooks.enabled';
const badge = 'com.openexchange.pns.mobile.api.facade.apn.badge.enabled';
const attempts = 'com.openexchange.pns.retry.attempts';
const maxPerUser = 'com.openexchange.websockets.maxPerUser';

async function badgeInOtherApi(user: number): Promise<unknown> {
  const path = `/v1/config/effective?context=1&user=${user}&prefix=${badge}`;
  const { items } = await system.expect<{ items: { value: unknown }[] }>(
    200,
    'GET',
    path,
    undefined,
    system.app('api', 1),
  );
  return items[0]?.value;
}

/** When the worker first decided that a failed push of the user is not retried, in ms since the epoch. */
function failedForGoodAt(user: number): number | undefined {
  const isFinal = (entry: Record<string, unknown>) => entry['user'] === user && entry['nextAttemptInMs'] === undefined;
  const entry = system.app('worker-webhook').logged('delivery.attempted').find(isFinal);
  return entry === undefined ? undefined : new Date(entry['time'] as string | number).getTime();
}

async function socketOpenedAt(user: number): Promise<number | undefined> {
  try {
    const { socket } = await listen(system, { context: 1, user });
    const at = Date.now();
    socket.close();
    return at;
  } catch {
    return undefined;
  }
}

/** The app on a simulated iPhone. */
function phone(): DemoApp {
  const app = system.sandbox.demoApps.find(({ transport }) => transport === 'apns');
  if (app === undefined) throw new Error('The sandbox plays no app of Apple.');
  return app;
}

/** The token of a user's phone. */
const phoneTokenOf = (user: number): string => user.toString(16).padStart(64, '0');

/** The times when new mail came to the user's phone, with a badge or without one, in ms since the epoch. */
async function pushTimes(user: number, hasBadge: boolean): Promise<number[]> {
  const answer = await fetch(`${system.sandbox.url}/apns/pushes?token=${phoneTokenOf(user)}`);
  const { items } = (await answer.json()) as { items: readonly { readonly at: number; readonly body: string }[] };
  const badgeOf = (body: string) => (JSON.parse(body) as { aps: { badge?: number } }).aps.badge;
  return items.filter(({ body }) => (badgeOf(body) !== undefined) === hasBadge).map(({ at }) => at);
}

const newMail = { folder: 'default0/INBOX', email: 'jane@example.com', subject: 'Hello', unread: 3 };

const mailTo = (user: number): Promise<void> =>
  post({ user, topic: 'ox:mail:new', payload: { ...newMail, id: String(posted) } });

const probes: Readonly<Record<string, Probe>> = {
  'the other API': {
    async prepare(user) {
      await setFor(user, badge, true);
      await first(async () => ((await badgeInOtherApi(user)) === true ? true : undefined));
    },
    change: (user) => setFor(user, badge, false),
    obeyed: (user) => first(async () => ((await badgeInOtherApi(user)) === false ? Date.now() : undefined)),
  },
  'the dispatcher, of a user': dispatcherProbe((user, value) => setFor(user, webhooks, value)),
  'the dispatcher, of the server': dispatcherProbe((user, value) =>
    set('server', `${webhooks}.sandbox.ox:test:${user}`, value),
  ),
  'the webhook worker': {
    async prepare(user) {
      const subscription = { context: 1, user, client: 'busy', transport: 'webhook', topics: ['*'] };
      await system.expect(201, 'POST', '/v1/subscriptions', subscription);
      await post({ user, topic: 'ox:test' });
      const log = () => system.app('worker-webhook').logged('delivery.attempted');
      await first(() => log().find((entry) => entry['user'] === user));
      expect(failedForGoodAt(user)).toBeUndefined();
    },
    change: (user) => setFor(user, attempts, 1),
    obeyed: (user) =>
      first(async () => {
        await post({ user, topic: 'ox:test' });
        return failedForGoodAt(user);
      }),
  },
  'the APNs worker': {
    async prepare(user) {
      await setFor(user, badge, false);
      const subscription = { context: 1, user, client: phone().client, transport: 'apns', token: phoneTokenOf(user) };
      await system.expect(201, 'POST', '/v1/subscriptions', { ...subscription, topics: ['*'] });
      await first(async () => {
        await mailTo(user);
        return (await pushTimes(user, false))[0];
      });
    },
    change: (user) => setFor(user, badge, true),
    obeyed: (user) =>
      first(async () => {
        await mailTo(user);
        return (await pushTimes(user, true))[0];
      }),
  },
  'the websocket worker': {
    async prepare(user) {
      await setFor(user, maxPerUser, 0);
      await first(async () => ((await socketOpenedAt(user)) === undefined ? true : undefined));
    },
    change: (user) => setFor(user, maxPerUser, 1),
    obeyed: (user) => first(() => socketOpenedAt(user)),
  },
};

const nextUser = () => users.shift() as number;

/** Makes a change, and returns the time from the API's answer until the process applied it, in ms. */
async function delayOf(probe: Probe): Promise<number> {
  const user = nextUser();
  await probe.prepare(user);
  await probe.change(user);
  const answeredAt = Date.now();
  return (await probe.obeyed(user)) - answeredAt;
}

/** Runs series of `rounds` rounds until the median of a series is in time. Throws if no series is in time. */
async function expectObedience(probe: Probe, rounds: number): Promise<void> {
  const all: number[][] = [];
  for (let tried = 0; tried < series; tried++) {
    const delays: number[] = [];
    for (let round = 0; round < rounds; round++) delays.push(await delayOf(probe));
    const median = delays.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? NaN;
    if (median < obeyedWithinMs) return;
    all.push(delays);
  }
  throw new Error(`It was obeyed after these times, in ms: ${JSON.stringify(all)}`);
}

describe('a property that is changed over the API', () => {
  it.each(Object.keys(probes))('is applied within a second by %s', async (name) => {
    await expectObedience(probes[name] as Probe, 5);
  });

  it('while Redis is down takes effect in all processes as soon as it is back', async () => {
    const waiting: [Probe, number][] = [];
    for (const probe of Object.values(probes)) {
      const user = nextUser();
      await probe.prepare(user);
      waiting.push([probe, user]);
    }
    await system.crashRedis(async () => {
      for (const [probe, user] of waiting) await probe.change(user);
    });
    const isBackAt = Date.now();
    const shownAt = await Promise.all(waiting.map(([probe, user]) => probe.obeyed(user)));
    expect(Math.max(...shownAt) - isBackAt).toBeLessThan(patienceMs);
  }, 180_000);

  it.each(Object.keys(probes))('is applied within a second after that, too, by %s', async (name) => {
    await expectObedience(probes[name] as Probe, 3);
  });
});
