import { signatureSecret, type System } from '@pns/e2e';
import type { Arrival, Sandbox } from '@pns/sandbox';
import { reached } from '../arrivals';
import { withBaseline } from '../baseline-process';
import { Child } from '../child';
import { batchesOf, userOf } from '../notifications';
import { evenly } from '../pace';
import { Producer } from '../producer';
import { end } from '../profile';
import { type Measured, percentile, type Scenario, type Size } from '../scenario';
import { startMeasured, withRedis, withSandbox } from '../servers';

/** The number of users. Each of them has a webhook. */
const users = 100;
/** The window of each notification, in ms; the default. */
const delayMs = 1000;
/** The number of first notifications, which are not measured, because code is compiled meanwhile. */
const warmUp = 4000;
/** The number of notifications in the burst that shows the capacity. All are accepted before the first window is due. */
const burst = 8000;
const burstBatch = 100;
const inFlight = 8;
/** The number of requests a second while the load is measured. */
const requestsPerSecond = 100;
const secondsOf = (size: Size): number => (size === 'full' ? 20 : 5);

const ours =
  (timerFrequency: number) =>
  async (size: Size): Promise<Measured> => {
    const system = await startMeasured({
      processes: { api: 1, dispatcher: 1, 'worker-webhook': 1 },
      properties: {
        'com.openexchange.pns.delayDuration': delayMs,
        'com.openexchange.pns.timerFrequency': timerFrequency,
      },
    });
    const producer = new Producer(system.app('api').url, inFlight);
    try {
      for (let user = 0; user < users; user++) await system.subscribe(userOf(user));
      return await measured(size, system, producer);
    } finally {
      await producer.close();
      await end(system, [...system.all('api'), ...system.all('dispatcher'), ...system.all('worker-webhook')]);
    }
  };

/** The load of the limit, in notifications a second: about half of what PNS can carry. */
const limitPerSecond = 2000;

const limit =
  (frequencyMs: number) =>
  (size: Size): Promise<Measured> =>
    withSandbox({ signatureSecret, keep: 1000, hasProviders: false }, (sandbox) =>
      withRedis(({ url: redisUrl }) =>
        withBaseline('webhook-batches', { redisUrl, connections: 10, signatureSecret }, async () => {
          const windows = Child.start('baselines/ticked-windows');
          try {
            await windows.ask<object>({ redisUrl, frequencyMs, uri: `${sandbox.url}/webhooks/box` });
            const sent = senderTo(sandbox);
            const accept = (first: number, count: number) =>
              sent(count, () => windows.ask({ first, count, users, delayMs, perSecond: limitPerSecond }));
            await accept(0, warmUp);
            const count = secondsOf(size) * limitPerSecond;
            return latenessOf(await accept(warmUp, count), count, limitPerSecond);
          } finally {
            await windows.stop();
          }
        }),
      ),
    );

/** The arrivals of a load, and how many of them are different notifications. */
interface Arrivals {
  readonly arrivals: readonly Arrival[];
  readonly different: number;
}

/** Returns a function that sends notifications, and resolves with their arrivals once they are complete or no more come. */
function senderTo(sandbox: Sandbox): (count: number, send: () => Promise<unknown>) => Promise<Arrivals> {
  let arrivals: Arrival[] = [];
  let different = 0;
  sandbox.onArrival((arrival) => {
    arrivals.push(arrival);
    if (!arrival.isDuplicate) different++;
  });
  return async (count, send) => {
    [arrivals, different] = [[], 0];
    await send();
    await reached(count, () => ({ different, duplicated: 0 }));
    return { arrivals, different };
  };
}

function latenessOf({ arrivals, different }: Arrivals, count: number, perSecond: number): Measured {
  const lateness = arrivals.map(({ at, request }) => at - (acceptedIn(request.latin1Body) + delayMs));
  return {
    value: percentile(lateness, 0.99),
    lost: count - different,
    duplicated: arrivals.length - different,
    details: { 'p50 ms': percentile(lateness, 0.5), 'a second': perSecond },
  };
}

async function measured(size: Size, { sandbox }: System, producer: Producer): Promise<Measured> {
  const sent = senderTo(sandbox);
  await sent(warmUp, () => producer.postAll(batchesOf(0, warmUp, burstBatch, users)));
  const startedAt = Date.now();
  let acceptedAt = startedAt;
  const { arrivals: drained } = await sent(burst, async () => {
    await producer.postAll(batchesOf(warmUp, burst, burstBatch, users));
    acceptedAt = Date.now();
  });
  const busyMs = acceptedAt - startedAt + ((drained.at(-1)?.at ?? NaN) - startedAt - delayMs);
  const perRequest = Math.max(1, Math.round(((burst / busyMs) * 1000) / 2 / requestsPerSecond));

  const requests = secondsOf(size) * requestsPerSecond;
  const count = requests * perRequest;
  const bodies = batchesOf(warmUp + burst, count, perRequest, users);
  const arrived = await sent(count, () =>
    evenly(requests, requestsPerSecond, (index) => producer.post(bodies[index] ?? '')),
  );
  return latenessOf(arrived, count, perRequest * requestsPerSecond);
}

/** When the API accepted the notification of this webhook body, in ms since the epoch. */
function acceptedIn(body: string): number {
  return (JSON.parse(body) as { timestamp: number }).timestamp;
}

/** The time from the due time of a window to the arrival at the webhook, at half of the load that the machine can carry. */
export const lateness: readonly Scenario[] = [
  { timerFrequency: 500, p50: 300, p99: 600 },
  { timerFrequency: 50, p50: 30, p99: 80 },
].map(({ timerFrequency, p50, p99 }) => ({
  name: `lateness:${timerFrequency}`,
  unit: 'ms p99',
  ours: ours(timerFrequency),
  limit: limit(timerFrequency),
  goals: [
    { detail: 'p50 ms', atMost: p50, isAbsolute: true },
    { atMost: p99, isAbsolute: true },
  ],
}));
