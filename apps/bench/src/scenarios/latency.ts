import { apiKey, signatureSecret } from '@pns/e2e';
import { withBaseline } from '../baseline-process';
import { box, evenLoad, users } from '../even-load';
import { userOf } from '../notifications';
import { end } from '../profile';
import type { Measured, Scenario, Size } from '../scenario';
import { startMeasured, withRedis, withSandbox } from '../servers';

async function ours(size: Size): Promise<Measured> {
  const processes = { api: 1, dispatcher: 1, 'worker-webhook': 1 };
  const properties = { 'com.openexchange.pns.delayDuration': 0 };
  const system = await startMeasured({ processes, properties });
  try {
    for (let user = 0; user < users; user++) await system.subscribe(userOf(user), box);
    return await evenLoad(size, system.app('api').url, system.sandbox);
  } finally {
    await end(system, [...system.all('api'), ...system.all('dispatcher'), ...system.all('worker-webhook')]);
  }
}

const hops =
  (hasWindows: boolean) =>
  (size: Size): Promise<Measured> =>
    withSandbox({ signatureSecret, keep: 100_000, hasProviders: false }, (sandbox) =>
      withRedis(({ url: redisUrl }) => {
        const uri = `${sandbox.url}/webhooks/${box}`;
        return withBaseline('two-hops', { redisUrl, uri, signatureSecret, hasWindows }, () =>
          withBaseline<{ url: string }, Measured>('nest-queue', { redisUrl, apiKey, delayMs: 0 }, ({ answer }) =>
            evenLoad(size, answer.url, sandbox),
          ),
        );
      }),
    );

/** The time from the 202 to the arrival at the webhook under a light load, with windows that are due at once. */
export const latency: Scenario = {
  name: 'latency',
  unit: 'ms p99',
  ours,
  baseline: hops(false),
  limit: hops(true),
  goals: [{ atMost: 1.3 }, { detail: 'p50 ms', atMost: 1 }],
};
