import { setTimeout as pause } from 'node:timers/promises';
import { System } from '@pns/e2e';
import type { Sandbox } from '@pns/sandbox';
import { endpointOf, handOver } from '@pns/delivery';
import { connectRedis, deliveryQueue, KeySpace, Queues } from '@pns/queue';
import type { Delivery } from '@pns/transport-contract';
import { flow } from '../arrivals';
import { addSubscriptions, deliveryOf, fillQueues, type Places } from '../backlog';
import { type Client, type FarSide, farSides, otherClient, slowClient } from '../far-sides';
import { end, measuringArgs } from '../profile';
import { type Measured, percentile, type Scenario, type Size } from '../scenario';
import { withSandbox } from '../servers';

/** What real providers take for an answer, in ms. */
const answerTimesMs = [50, 300, 800] as const;

/** A job holds what a dispatcher finds due in a shard at once, which is little in ordinary times. */
const perBatch = 4;

/** Devices, channels or paths that share what is sent. */
const targets = 200;

/** The time that the far side needs for all of it, at most so many deliveries. */
const secondsOf = (size: Size): number => (size === 'full' ? 10 : 5);
const [fewest, most] = [500, 16_000] as const;

async function withSystem<Answer>(
  farSide: FarSide,
  work: (system: System, sandbox: Sandbox) => Promise<Answer>,
  count = targets,
): Promise<Answer> {
  const options = { host: '0.0.0.0', signatureSecret: 'a-secret-for-end-to-end-tests', keep: 1000 };
  return withSandbox(options, async (sandbox) => {
    const processes = { api: 0, dispatcher: 0, 'worker-websocket': 0, 'worker-webhook': 0 };
    const { properties } = farSide;
    const system = await System.start({ processes, properties, keepsLogs: false, nodeArgs: measuringArgs() });
    try {
      farSide.configure(system, sandbox, count);
      return await work(system, sandbox);
    } finally {
      await end(system, system.all(farSide.worker));
    }
  });
}

const placesOf = (system: System): Places => ({ redisUrl: system.redis.url, databaseUrl: system.databaseUrl });

/** How fast a backlog of one client goes out to a far side that needs `answerMs` for each answer. */
function rate(farSide: FarSide, answerMs: number, count: number): Promise<Measured> {
  return withSystem(farSide, async (system, sandbox) => {
    const arrived = countedArrivals(sandbox);
    if (answerMs > 0) await farSide.slowDown(sandbox, answerMs, targets);
    const targetOf = (index: number) => ({
      client: slowClient,
      token: farSide.target(sandbox, slowClient, index % targets).token,
    });
    await fillQueues(placesOf(system), count, farSide.transport, targetOf, perBatch);
    const { child } = await system.add(farSide.worker);
    const { perSecond, costs } = await flow(count, arrived, { Node: child.pid ?? 0 });
    const { different } = arrived();
    return {
      value: perSecond,
      lost: Math.max(0, count - different),
      duplicated: Math.max(0, different - count),
      details: costs,
    };
  });
}

function countedArrivals(sandbox: Sandbox): () => { different: number; duplicated: number } {
  let different = 0;
  sandbox.onArrival(() => different++);
  return () => ({ different, duplicated: 0 });
}

/** What the machine does where the far side answers at once, by transport: no answer time makes it faster. */
const unhindered = new Map<string, number>();

async function limit(farSide: FarSide, answerMs: number): Promise<number> {
  const known = unhindered.get(farSide.transport) ?? (await rate(farSide, 0, most / 2)).value;
  unhindered.set(farSide.transport, known);
  return Math.min(known, (farSide.streams / answerMs) * 1000);
}

/** Beside what the streams carry: their number, divided by the time of an answer. */
const rates = farSides.flatMap((farSide) =>
  answerTimesMs.map((answerMs): Scenario => {
    const countOf = (size: Size): number => {
      const count = (farSide.streams / answerMs) * 1000 * secondsOf(size);
      return Math.round(Math.min(most, Math.max(fewest, count)));
    };
    return {
      name: `slow-far-side:${farSide.transport}-${answerMs}`,
      unit: 'deliveries/s',
      ours: (size) => rate(farSide, answerMs, countOf(size)),
      baseline: async () => ({ value: await limit(farSide, answerMs), lost: 0, duplicated: 0 }),
      goal: { atLeast: 0.8 },
    };
  }),
);

/** So much is sent to each client evenly; the slow one gets as much as its streams carry, and begins with a burst. */
const perSecond = 60;
const slowAnswerMs = 800;
const burst = 1000;
const measuredSecondsOf = (size: Size): number => (size === 'full' ? 20 : 8);
/** Of which code is compiled and connections are made. */
const warmUpSeconds = 3;

/** The p99 of the way of one client's deliveries from the hand-over to the far side, in ms, with or without a slow client beside it. */
function besideSlow(farSide: FarSide, isThere: boolean, size: Size): Promise<Measured> {
  const warmUp = warmUpSeconds * perSecond;
  const count = warmUp + measuredSecondsOf(size) * perSecond;
  return withSystem(
    farSide,
    async (system, sandbox) => {
      await farSide.slowDown(sandbox, slowAnswerMs, targets);
      const sender = await Sender.start(farSide, system, sandbox, 2 * count + burst);
      await system.add(farSide.worker);
      const [sentAt, arrivedAt] = [new Map<string, number>(), new Map<string, number>()];
      sandbox.onArrival(({ target }) => void arrivedAt.set(target, performance.now()));
      if (isThere)
        await sender.send(
          slowClient,
          Array.from({ length: burst }, (_, index) => index % targets),
        );
      const startedAt = performance.now();
      const sent: Promise<void>[] = [];
      for (let index = 0; index < count; index++) {
        await pause(Math.max(0, startedAt + (index * 1000) / perSecond - performance.now()));
        sentAt.set(farSide.target(sandbox, otherClient, index).name, performance.now());
        sent.push(sender.send(otherClient, [index]));
        if (isThere) sent.push(sender.send(slowClient, [index % targets]));
      }
      await Promise.all(sent);
      const isThrough = () => [...sentAt.keys()].every((name) => arrivedAt.has(name));
      for (let waited = 0; !isThrough() && waited < 150; waited++) await pause(100);
      await sender.close();
      const latencies = [...sentAt].map(([name, at]) => (arrivedAt.get(name) ?? Infinity) - at).slice(warmUp);
      const lost = latencies.filter((latency) => latency === Infinity).length;
      return {
        value: percentile(latencies, 0.99),
        lost,
        duplicated: 0,
        details: { 'p50 ms': percentile(latencies, 0.5) },
      };
    },
    count,
  );
}

/** Hands deliveries over as a dispatcher does, each as a job of its own. */
class Sender {
  private next = 0;

  private constructor(
    private readonly farSide: FarSide,
    private readonly sandbox: Sandbox,
    private readonly queues: Queues,
    private readonly deliveries: readonly ReturnType<typeof deliveryOf>[],
  ) {}

  static async start(farSide: FarSide, system: System, sandbox: Sandbox, most: number): Promise<Sender> {
    const { redisUrl, databaseUrl } = placesOf(system);
    const deliveries = Array.from({ length: most }, (_, index) => deliveryOf(index));
    await addSubscriptions(
      databaseUrl,
      deliveries.map(({ subscriptionId }) => subscriptionId),
      farSide.transport,
    );
    return new Sender(farSide, sandbox, new Queues(connectRedis(redisUrl), new KeySpace(8)), deliveries);
  }

  async send(client: Client, indexes: readonly number[]): Promise<void> {
    const { transport } = this.farSide;
    const now = Date.now();
    const groups = indexes.flatMap((index) => {
      const prepared = this.deliveries[this.next++];
      if (prepared === undefined) return [];
      const { token } = this.farSide.target(this.sandbox, client, index);
      const delivery: Delivery = { ...prepared, transport, client, token, timestamp: now, dueAt: now };
      const shard = this.queues.keys.shardOf(delivery.context, delivery.user);
      const group = this.queues.keys.group(shard);
      return [{ group, name: deliveryQueue(transport), endpoint: endpointOf(delivery), deliveries: [delivery] }];
    });
    await handOver(this.queues, groups);
  }

  close(): Promise<void> {
    return this.queues.onApplicationShutdown();
  }
}

/** A client's deliveries beside those of a slow one of the same transport and process. */
const beside = farSides.map((farSide): Scenario => ({
  name: `slow-far-side:beside-${farSide.transport}`,
  unit: 'ms p99',
  ours: (size) => besideSlow(farSide, true, size),
  baseline: (size) => besideSlow(farSide, false, size),
  goal: { atMost: 1.2 },
}));

export const slowFarSide: readonly Scenario[] = [...rates, ...beside];
