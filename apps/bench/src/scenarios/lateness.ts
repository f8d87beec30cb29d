import type { System } from '@pns/e2e';
import type { Arrival } from '@pns/sandbox';
import { reached } from '../arrivals';
import { batchesOf, userOf } from '../notifications';
import { evenly } from '../pace';
import { Producer } from '../producer';
import { end } from '../profile';
import { type Measured, percentile, type Scenario, type Size } from '../scenario';
import { startMeasured } from '../servers';

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

async function measured(size: Size, { sandbox }: System, producer: Producer): Promise<Measured> {
  let arrivals: Arrival[] = [];
  let different = 0;
  sandbox.onArrival((arrival) => {
    arrivals.push(arrival);
    if (!arrival.isDuplicate) different++;
  });
  /** Sends notifications with `send`, and resolves with their arrivals once they are complete or no more come. */
  const sent = async (count: number, send: () => Promise<void>): Promise<readonly Arrival[]> => {
    [arrivals, different] = [[], 0];
    await send();
    await reached(count, () => ({ different, duplicated: 0 }));
    return arrivals;
  };

  await sent(warmUp, () => producer.postAll(batchesOf(0, warmUp, burstBatch, users)));
  const startedAt = Date.now();
  let acceptedAt = startedAt;
  const drained = await sent(burst, async () => {
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
  const lateness = arrived.map(({ at, request }) => at - (acceptedIn(request.latin1Body) + delayMs));
  return {
    value: percentile(lateness, 0.99),
    lost: count - different,
    duplicated: arrived.length - different,
    details: { 'p50 ms': percentile(lateness, 0.5), 'a second': perRequest * requestsPerSecond },
  };
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
  goals: [
    { detail: 'p50 ms', atMost: p50, isAbsolute: true },
    { atMost: p99, isAbsolute: true },
  ],
}));
