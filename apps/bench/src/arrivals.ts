import { setTimeout as pause } from 'node:timers/promises';
import { cpuCosts } from './cpu';

/** How many different ids and how many repeated ones have arrived at the far side so far. */
export interface Arrived {
  readonly different: number;
  readonly duplicated: number;
}

/** How fast the deliveries of a prefilled queue arrived at the receiver. */
interface Flow {
  readonly perSecond: number;
  /** The costs of an arrival, by process. */
  readonly costs: Readonly<Record<string, number>>;
}

/** The interval between two polls of the far side, in ms. */
const lookMs = 20;

/** The missing deliveries count as lost if no new delivery has arrived for this time, in ms. */
const giveUpMs = 15_000;

/** The first part of the arrivals is not measured, because both sides open connections and compile code meanwhile. */
const warmUp = 0.1;

/** Measures arrivals after the warm-up until `expected` different deliveries have arrived, or no more arrive. */
export async function flow(
  expected: number,
  arrived: () => Promise<Arrived> | Arrived,
  pids: Readonly<Record<string, number>> = {},
): Promise<Flow> {
  const first = await reached(expected * warmUp, arrived);
  const costs = cpuCosts(pids);
  const last = await reached(expected, arrived);
  const count = last.different - first.different;
  return { perSecond: (count / (last.at - first.at)) * 1000, costs: costs(count) };
}

/** Waits until `wanted` different deliveries have arrived, or no more arrive. Returns their number and the time of the last. */
export async function reached(wanted: number, arrived: () => Promise<Arrived> | Arrived) {
  let { different } = await arrived();
  let at = performance.now();
  while (different < wanted && performance.now() - at < giveUpMs) {
    await pause(lookMs);
    const now = (await arrived()).different;
    if (now > different) [different, at] = [now, performance.now()];
  }
  return { different, at };
}
