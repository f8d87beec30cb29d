import { setTimeout as pause } from 'node:timers/promises';
import type { System } from '@pns/e2e';
import type { Sandbox } from '@pns/sandbox';
import { type FarSide, farSides, hangingWebhook, otherClient, slowClient } from '../far-sides';
import { end } from '../profile';
import { type Goal, type Measured, percentile, type Scenario, type Size } from '../scenario';
import { Sender } from '../sender';
import { startMeasured, withSandbox } from '../servers';

/** Response times of real providers, in ms. */
const answerTimesMs = [50, 300, 800] as const;

/** The most deliveries a second that a far side is offered, so that two cores are not fully used if its streams carry more. */
const mostPerSecond = 200;

/** The number of devices, channels or paths that share the deliveries of a slow client. */
const slowTargets = 200;

/** The warm-up, in which code is compiled, connections are opened and the worker adapts to the capacity of the receiver. */
const warmUpSeconds = 5;
const measuredSecondsOf = (size: Size): number => (size === 'full' ? 10 : 5);

/** The missing deliveries count as lost if nothing has arrived for this time, in ms. */
const giveUpMs = 10_000;

async function withWorker<Answer>(
  farSide: FarSide,
  targets: number,
  work: (system: System, sandbox: Sandbox) => Promise<Answer>,
): Promise<Answer> {
  const options = { host: '0.0.0.0', signatureSecret: 'a-secret-for-end-to-end-tests', keep: 1000 };
  return withSandbox(options, async (sandbox) => {
    const system = await startMeasured({ properties: farSide.properties });
    try {
      await farSide.configure(system, sandbox, targets);
      await system.add(farSide.worker);
      return await work(system, sandbox);
    } finally {
      await end(system, system.all(farSide.worker));
    }
  });
}

/** Offers the receiver as many deliveries as its streams can carry. Returns the rates of arrived and offered deliveries. */
async function rates(
  farSide: FarSide,
  answerMs: number,
  size: Size,
): Promise<readonly [ours: Measured, limit: Measured]> {
  const perSecond = Math.min(mostPerSecond, (farSide.streams / answerMs) * 1000);
  const measured = measuredSecondsOf(size);
  const count = Math.round((warmUpSeconds + measured) * perSecond);
  return withWorker(farSide, slowTargets, async (system, sandbox) => {
    await farSide.slowDown(sandbox, answerMs, slowTargets);
    let arrived = 0;
    sandbox.onArrival(() => arrived++);
    const sender = await Sender.start(farSide, system, sandbox, count);
    let [sentBefore, arrivedBefore, from] = [0, 0, 0];
    let [sentAfter, arrivedAfter, to] = [0, 0, 0];
    await sender.evenly(count, perSecond, (index) => {
      if (index === Math.round(warmUpSeconds * perSecond))
        [sentBefore, arrivedBefore, from] = [index, arrived, performance.now()];
      [sentAfter, arrivedAfter, to] = [index, arrived, performance.now()];
      return [{ client: slowClient, target: index % slowTargets }];
    });
    await settled(() => arrived, count);
    await sender.close();
    const seconds = (to - from) / 1000;
    const [lost, duplicated] = [Math.max(0, count - arrived), Math.max(0, arrived - count)];
    return [
      { value: (arrivedAfter - arrivedBefore) / seconds, lost, duplicated },
      { value: (sentAfter - sentBefore) / seconds, lost: 0, duplicated: 0 },
    ];
  });
}

/** Resolves when `expected` deliveries have arrived, or no more arrive. */
async function settled(arrived: () => number, expected: number): Promise<void> {
  let last = { arrived: -1, at: performance.now() };
  while (last.arrived < expected && performance.now() - last.at < giveUpMs) {
    if (arrived() > last.arrived) last = { arrived: arrived(), at: performance.now() };
    await pause(50);
  }
}

/** The deliveries a second of the other client, and for half of the time also of the slow client. */
const perSecond = 20;
const slowAnswerMs = 800;
const partSeconds = 2;
/** The first second after the slow client stops is not measured, because its earlier deliveries are still answered. */
const leftSeconds = 1;
const partsOf = (size: Size): number => (size === 'full' ? 40 : 20);

/** The p99 of the time from the queue to the receiver for a client's deliveries, in ms, alternately with and without a slow client. */
async function besideSlow(farSide: FarSide, size: Size): Promise<readonly [beside: Measured, without: Measured]> {
  const count = (warmUpSeconds + partsOf(size) * partSeconds) * perSecond;
  return withWorker(farSide, count, async (system, sandbox) => {
    await farSide.slowDown(sandbox, slowAnswerMs, slowTargets);
    const sender = await Sender.start(farSide, system, sandbox, 2 * count);
    const [sentAt, arrivedAt] = [new Map<number, number>(), new Map<string, number>()];
    sandbox.onArrival(({ target }) => void arrivedAt.set(target, performance.now()));
    let slow = 0;
    // Each delivery of the slow client is sent halfway between two deliveries of the other client, like separate traffic.
    await sender.evenly(2 * count, 2 * perSecond, (half) => {
      const index = Math.floor(half / 2);
      if (half % 2 === 1) return partOf(index).isBeside ? [{ client: slowClient, target: slow++ % slowTargets }] : [];
      sentAt.set(index, performance.now());
      return [{ client: otherClient, target: index }];
    });
    const nameOf = (index: number): string => farSide.target(sandbox, otherClient, index).name;
    await settled(() => [...sentAt.keys()].filter((index) => arrivedAt.has(nameOf(index))).length, count);
    await sender.close();
    const measured = (isBeside: boolean): Measured => {
      const latencies = [...sentAt].flatMap(([index, at]) => {
        const part = partOf(index);
        const isCounted = part.isMeasured && part.isBeside === isBeside;
        return isCounted ? [(arrivedAt.get(nameOf(index)) ?? Infinity) - at] : [];
      });
      const lost = latencies.filter((latency) => latency === Infinity).length;
      return {
        value: percentile(latencies, 0.99),
        lost,
        duplicated: 0,
        details: { 'p50 ms': percentile(latencies, 0.5) },
      };
    };
    return [measured(true), measured(false)];
  });
}

/** The part in which a delivery is sent. The warm-up is a separate part, with the slow client. */
function partOf(index: number): { readonly isBeside: boolean; readonly isMeasured: boolean } {
  const second = Math.floor(index / perSecond) - warmUpSeconds;
  if (second < 0) return { isBeside: true, isMeasured: false };
  const isBeside = Math.floor(second / partSeconds) % 2 === 1;
  const inPart = second % partSeconds;
  return { isBeside, isMeasured: isBeside || inPart >= leftSeconds };
}

/** A scenario whose sides are measured together. */
function together(
  name: string,
  unit: string,
  goal: Goal,
  measure: (size: Size) => Promise<readonly [Measured, Measured]>,
): Scenario {
  let other: Measured | undefined;
  const ours = async (size: Size): Promise<Measured> => {
    const [mine, theirs] = await measure(size);
    other = theirs;
    return mine;
  };
  return {
    name: `slow-far-side:${name}`,
    unit,
    goals: [goal],
    ours,
    baseline: () => Promise.resolve(other ?? { value: NaN, lost: 0, duplicated: 0 }),
  };
}

/**
 * The rate of arrivals compared with the offered rate, and the latency of a client beside a slow client of the same transport
 * compared with its latency alone.
 */
export const slowFarSide: readonly Scenario[] = [
  ...farSides.flatMap((farSide) =>
    answerTimesMs.map((answerMs) =>
      together(`${farSide.transport}-${answerMs}`, 'deliveries/s', { atLeast: 0.8 }, (size) =>
        rates(farSide, answerMs, size),
      ),
    ),
  ),
  ...farSides.map((farSide) =>
    together(`beside-${farSide.transport}`, 'ms p99', { atMost: 1.2 }, (size) => besideSlow(farSide, size)),
  ),
  together('beside-hanging', 'ms p99', { atMost: 1.2 }, (size) => besideSlow(hangingWebhook, size)),
];
