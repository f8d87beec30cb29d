import { setTimeout as pause } from 'node:timers/promises';
import { apiKey, signatureSecret, System } from '@pns/e2e';
import type { Sandbox, WebhookArrivalsView } from '@pns/sandbox';
import { withBaseline } from '../baseline-process';
import { mailNotification, userOf } from '../notifications';
import { Producer } from '../producer';
import { end, measuringArgs } from '../profile';
import { median, type Measured, percentile, type Scenario, type Size } from '../scenario';
import { withRedis, withSandbox } from '../servers';

/** Light load: so many notifications a second, evenly. */
const perSecond = 60;
/** The first ones, of which all code is compiled, are not measured. */
const warmUp = 3 * perSecond;
const measuredOf = (size: Size): number => (size === 'full' ? 10 : 4) * perSecond;
/** Each has a webhook. */
const users = 100;

const box = 'box';
/** When nothing has come for so long, nothing more will; in ms. */
const giveUpMs = 5000;

async function ours(size: Size): Promise<Measured> {
  const processes = { api: 1, dispatcher: 1, 'worker-websocket': 0, 'worker-webhook': 1 };
  const properties = { 'com.openexchange.pns.delayDuration': 0 };
  const system = await System.start({ processes, properties, keepsLogs: false, nodeArgs: measuringArgs() });
  try {
    for (let user = 0; user < users; user++) await system.subscribe(userOf(user), box);
    return await measured(size, system.app('api').url, system.sandbox);
  } finally {
    await end(system, [...system.all('api'), ...system.all('dispatcher'), ...system.all('worker-webhook')]);
  }
}

const baseline = (size: Size): Promise<Measured> =>
  withSandbox({ signatureSecret, keep: 100_000, hasProviders: false }, (sandbox) =>
    withRedis(({ url: redisUrl }) => {
      const uri = `${sandbox.url}/webhooks/${box}`;
      return withBaseline('two-hops', { redisUrl, uri, signatureSecret }, () =>
        withBaseline<{ url: string }, Measured>('nest-queue', { redisUrl, apiKey, delayMs: 0 }, ({ answer }) =>
          measured(size, answer.url, sandbox),
        ),
      );
    }),
  );

/** Posts at an even pace. The 202 and the arrival are seen by this one process, so one clock tells both. */
async function measured(size: Size, url: string, sandbox: Sandbox): Promise<Measured> {
  const producer = new Producer(url, 10);
  const count = warmUp + measuredOf(size);
  const acceptedAt: number[] = [];
  const posts: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let index = 0; index < count; index++) {
    await pause(Math.max(0, startedAt + (index * 1000) / perSecond - performance.now()));
    const body = JSON.stringify(mailNotification(index, users));
    posts.push(producer.post(body).then(() => void (acceptedAt[index] = Date.now())));
  }
  await Promise.all(posts);
  await producer.close();
  const { items, accepted, duplicates } = await arrivals(sandbox, count);
  const latencies = items.flatMap(({ at, body }) => {
    const index = indexIn(body);
    return index < warmUp ? [] : at - (acceptedAt[index] ?? NaN);
  });
  const details = { 'p50 ms': median(latencies) };
  return { value: percentile(latencies, 0.99), lost: count - accepted, duplicated: duplicates, details };
}

/** Everything that came, once all of it has or no more does. */
async function arrivals(sandbox: Sandbox, expected: number): Promise<WebhookArrivalsView> {
  let last = { accepted: -1, at: performance.now() };
  for (;;) {
    const answer = await fetch(`${sandbox.url}/webhooks/${box}/arrivals`);
    const view = (await answer.json()) as WebhookArrivalsView;
    if (view.accepted > last.accepted) last = { accepted: view.accepted, at: performance.now() };
    if (view.accepted >= expected || performance.now() - last.at > giveUpMs) return view;
    await pause(100);
  }
}

function indexIn(body: string): number {
  return Number((JSON.parse(body) as { payload: { id: string } }).payload.id);
}

/** From the 202 to the webhook, with nothing to wait for on the way. */
export const latency: Scenario = { name: 'latency', unit: 'ms p99', ours, baseline, goal: { atMost: 1 } };
