import { setTimeout as pause } from 'node:timers/promises';
import { cpuCosts } from './cpu';

/** The arrivals at the far side so far, distinguished by ids. */
export interface Arrived {
  readonly different: number;
  readonly duplicated: number;
}

/** How fast the deliveries of a prefilled queue arrived at the receiver. */
interface Flow {
  readonly perSecond: number;
  /** The cost of each arrival in the given processes. */
  readonly costs: Readonly<Record<string, number>>;
}

/** The interval in which the far side is polled, in ms. */
const lookMs = 20;

/** If nothing has arrived for this time, the rest is lost; in ms. */
const giveUpMs = 15_000;

/** The first tenth is not measured, because both sides open connections and compile code meanwhile. */
const warmUp = 0.1;

/** Follows arrivals until there are `expected` different ones, or no more arrive. */
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

/** The time at which this number had arrived, and the number. If no more arrive, the number is smaller. */
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
