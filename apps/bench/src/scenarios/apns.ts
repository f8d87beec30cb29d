import type { Sandbox } from '@pns/sandbox';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { type Arrived, flow } from '../arrivals';
import { fillQueues } from '../backlog';
import { withBaseline } from '../baseline-process';
import type { PushJob } from '../baselines/node-apn';
import { mailNotification } from '../notifications';
import { end } from '../profile';
import type { Measured, Scenario, Size } from '../scenario';
import { startMeasured, withRedis, withSandbox } from '../servers';

const client = 'mail';
const topic = 'com.example.mail';
/** The number of devices that share the pushes. With many more, the look-ups of the simulated Apple would be measured. */
const devices = 1000;
const pushesOf = (size: Size): number => (size === 'full' ? 50_000 : 10_000);

/** The simulated Apple, with an app's signing key. */
interface Apple {
  readonly url: string;
  readonly ca: string;
  readonly key: { readonly privatekey: string; readonly keyid: string; readonly teamid: string };
  readonly arrived: () => Arrived;
}

const side = (work: (count: number, apple: Apple) => Promise<Measured>) => (size: Size) =>
  withSandbox({ keep: 1000 }, async (sandbox) => {
    const apple = appleOf(sandbox);
    const count = pushesOf(size);
    const measured = await work(count, apple);
    const { different, duplicated } = apple.arrived();
    return { ...measured, lost: count - different, duplicated };
  });

function appleOf({ providers }: Sandbox): Apple {
  if (providers === undefined) throw new Error('The sandbox plays no providers.');
  const { apns, authority } = providers;
  const key = apns.accounts.createKey('BENCHKEY01', { teamid: 'BENCHTEAM1' });
  const arrived = (): Arrived => {
    let [different, duplicated] = [0, 0];
    for (const device of apns.known()) {
      different += device.accepted;
      duplicated += device.duplicates;
    }
    return { different, duplicated };
  };
  return { url: apns.url, ca: authority.cert, key, arrived };
}

const ours = side(async (count, { url, ca, key, arrived }) => {
  const properties = { 'com.openexchange.pns.transport.apn.ios.enabled': 'true' };
  const system = await startMeasured({ properties });
  try {
    system.configure('key.p8', key.privatekey);
    system.configure('authority.pem', ca);
    const { keyid, teamid } = key;
    const options = { authtype: 'jwt', privatekey: 'key.p8', keyid, teamid, topic };
    // JSON is valid YAML.
    const file = { [client]: { ...options, endpoint: url, caFile: 'authority.pem' } };
    system.configure('pns-apns-options.yml', JSON.stringify(file));
    await fillQueues({ redisUrl: system.redis.url, databaseUrl: system.databaseUrl }, count, 'apns', (index) => ({
      client,
      token: deviceToken(index),
    }));
    const { child } = await system.add('worker-apns');
    const pids = { Node: child.pid ?? 0, Redis: system.redis.pid };
    const { perSecond, costs } = await flow(count, arrived, pids);
    return { value: perSecond, lost: 0, duplicated: 0, costs };
  } finally {
    await end(system, system.all('worker-apns'));
  }
});

const baseline = side((count, { url, ca, key, arrived }) =>
  withBaseline('node-apn', { url, ca, key, topic, devices, count }, async ({ pid }) => {
    const { perSecond, costs } = await flow(count, arrived, { Node: pid });
    return { value: perSecond, lost: 0, duplicated: 0, costs };
  }),
);

/** Notifications in a job of the limit. */
const perJob = 500;

const limit = side((count, { url, ca, key, arrived }) =>
  withRedis(async ({ url: redisUrl, pid: redisPid }) => {
    const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
    const queue = new Queue<PushJob>('pushes', { connection });
    // The program sends the first push without a job.
    for (let first = 1; first < count; first += perJob) {
      const length = Math.min(perJob, count - first);
      const notifications = Array.from({ length }, (_, at) => mailNotification(first + at));
      await queue.add('push', { first, notifications }, { removeOnComplete: true });
    }
    connection.disconnect();
    return withBaseline('node-apn', { url, ca, key, topic, devices, count, redisUrl }, async ({ pid }) => {
      const { perSecond, costs } = await flow(count, arrived, { Node: pid, Redis: redisPid });
      return { value: perSecond, lost: 0, duplicated: 0, costs };
    });
  }),
);

function deviceToken(index: number): string {
  return (index % devices).toString(16).padStart(64, '0');
}

/** The pushes from the transport's queue to Apple, compared with the client library alone. */
export const apns: Scenario = {
  name: 'apns',
  unit: 'pushes/s',
  ours,
  baseline,
  limit,
  goals: [{ atLeast: 0.9 }],
};
