import { setTimeout as pause } from 'node:timers/promises';
import { cpuCosts } from './cpu';

/** What has come to the far side so far, told apart by ids. */
export interface Arrived {
  readonly different: number;
  readonly duplicated: number;
}

/** How fast a prefilled queue arrived at the far side. */
export interface Flow {
  readonly perSecond: number;
  /** What each arrival cost the processes that were named. */
  readonly costs: Readonly<Record<string, number>>;
}

/** So often the far side is asked what has come, in ms. */
const lookMs = 20;

/** When nothing has come for so long, nothing more will; in ms. */
const giveUpMs = 15_000;

/** The first tenth is not measured: connections are made and code is compiled meanwhile, on both sides of a scenario. */
const warmUp = 0.1;

/** Follows what arrives until `expected` different ones have, or no more do. */
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

/** When so many had come, and how many those were then; fewer where no more do. */
async function reached(wanted: number, arrived: () => Promise<Arrived> | Arrived) {
  let { different } = await arrived();
  let at = performance.now();
  while (different < wanted && performance.now() - at < giveUpMs) {
    await pause(lookMs);
    const now = (await arrived()).different;
    if (now > different) [different, at] = [now, performance.now()];
  }
  return { different, at };
}
