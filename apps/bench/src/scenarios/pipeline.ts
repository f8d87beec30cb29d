import { setTimeout } from 'node:timers/promises';
import { Child } from '../child';
import type { System, SystemOptions } from '@pns/e2e';
import { cpuCosts } from '../cpu';
import { batchesOf } from '../notifications';
import { Producer } from '../producer';
import type { Measured, Scenario, Size } from '../scenario';
import { postgres, withRedis } from '../servers';
import { withSocketNode } from '../socket-node';
import { WebSockets } from '../web-sockets';

const users = 1000;
const batchSize = 100;
/** Concurrent requests. */
const inFlight = 8;
/** The window of a notification on both sides, in ms. It is subtracted from the measured time. */
const delayMs = 1000;
/** The number of first notifications, which are not measured, because code is compiled meanwhile. */
const warmUp = 5000;

/** The whole way of PNS, with one Redis or a Redis Cluster. `alsoMeasured` adds details at the end. */
export const throughPns =
  (
    options: SystemOptions = {},
    alsoMeasured: (system: System) => Promise<Record<string, number>> = () => Promise.resolve({}),
  ) =>
  (size: Size): Promise<Measured> =>
    withSocketNode({ processes: { dispatcher: 1 }, ...options }, async (system) => {
      const [api, dispatcher, worker] = [system.app('api'), system.app('dispatcher'), system.app('worker-websocket')];
      const sockets = await WebSockets.open(worker.url, users);
      const producer = new Producer(api.url, inFlight);
      const pids = {
        api: api.child.pid ?? 0,
        dispatcher: dispatcher.child.pid ?? 0,
        'worker-websocket': worker.child.pid ?? 0,
        ...redisPids(system),
        Postgres: postgres().pid,
      };
      try {
        const figures = await measured(size === 'full' ? 60_000 : 20_000, sockets, pids, (first, count) => {
          const bodies = batchesOf(first, count, batchSize, users);
          return () => producer.postAll(bodies);
        });
        return { ...figures, details: await alsoMeasured(system) };
      } finally {
        await producer.close();
        await sockets.close();
      }
    });

function redisPids({ redis, cluster }: System): Record<string, number> {
  if (cluster === undefined) return { Redis: redis.pid };
  return Object.fromEntries(cluster.masters.map(({ pid }, index) => [`Redis ${index + 1}`, pid]));
}

const baseline = (size: Size): Promise<Measured> =>
  withRedis(async ({ url: redisUrl, pid }) => {
    const notifier = Child.start('baselines/job-per-notification');
    const deliverer = Child.start('baselines/job-per-delivery');
    let sockets: WebSockets | undefined;
    try {
      const [{ url }] = await Promise.all([
        deliverer.ask<{ url: string }>({ redisUrl }),
        notifier.ask<object>({ redisUrl }),
      ]);
      sockets = await WebSockets.open(url, users);
      const pids = { notifier: notifier.pid, deliverer: deliverer.pid, Redis: pid };
      return await measured(size === 'full' ? 20_000 : 8000, sockets, pids, (first, count) => {
        return () => notifier.ask({ first, count, users, delayMs });
      });
    } finally {
      await sockets?.close();
      await Promise.all([notifier.stop(), deliverer.stop()]);
    }
  });

/** PNS looks for due windows as often. */
const timerFrequencyMs = 500;

const limit = (size: Size): Promise<Measured> =>
  withRedis(async ({ url: redisUrl, pid }) => {
    const windows = Child.start('baselines/ticked-windows');
    const server = Child.start('baselines/socket-batches');
    let sockets: WebSockets | undefined;
    try {
      const { url } = await server.ask<{ url: string }>({ redisUrl });
      await windows.ask<object>({ redisUrl, frequencyMs: timerFrequencyMs });
      sockets = await WebSockets.open(url, users);
      const pids = { windows: windows.pid, server: server.pid, Redis: pid };
      return await measured(size === 'full' ? 60_000 : 20_000, sockets, pids, (first, count) => {
        return () => windows.ask({ first, count, users, delayMs });
      });
    } finally {
      await sockets?.close();
      await Promise.all([windows.stop(), server.stop()]);
    }
  });

/** Measures the rate between the first POST and the last event at its socket, without the time of the window. */
async function measured(
  amount: number,
  sockets: WebSockets,
  pids: Readonly<Record<string, number>>,
  sending: (first: number, count: number) => () => Promise<unknown>,
): Promise<Measured> {
  const run = async (first: number, count: number): Promise<Measured> => {
    const send = sending(first, count);
    const arrival = sockets.arrivalOf(first, count);
    const costs = cpuCosts(pids);
    const startedAt = Date.now();
    await send();
    const { lastAt, lost, duplicated } = await arrival;
    const seconds = (lastAt - startedAt - delayMs) / 1000;
    return { value: count / seconds, lost, duplicated, costs: costs(count) };
  };
  await run(0, warmUp);
  await setTimeout(delayMs);
  return run(warmUp, amount);
}

/**
 * The whole way, from a POST to the user's socket, compared with a job for each notification and one for each delivery.
 */
export const pipeline: Scenario = {
  name: 'pipeline',
  unit: 'notifications/s',
  ours: throughPns(),
  baseline,
  limit,
  goals: [{ atLeast: 5 }],
};
