import { measure, type Scenario } from './scenario';

/**
 * The lowest ratio to the baseline that is accepted, by scenario: about half of the usual ratio. So the guard finds a change that
 * makes PNS twice as slow, and noise does not make the guard fail. The goals are higher.
 */
export const floors: Readonly<Record<string, number>> = {
  ingest: 0.75,
  websocket: 0.35,
  webhook: 0.45,
  apns: 0.4,
  pipeline: 1.5,
};

/** The number of rounds in which a scenario below its floor is measured again before it counts as slow. */
const roundsOfSecondLook = 3;

/**
 * Measures the scenarios that have a floor, with little work. Returns a sentence for each scenario that is too slow, and for each that
 * lost or repeated something.
 */
export async function guard(scenarios: readonly Scenario[], say: (line: string) => void): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const [name, floor] of Object.entries(floors)) {
    const scenario = scenarios.find((each) => each.name === name);
    if (scenario === undefined) throw new Error(`There is no scenario ${name}.`);
    let result = await measure(scenario, 'quick', 1, say);
    if (isBelow(result.ratio, floor)) {
      say(`${name}: below its floor of ${floor}, so it is measured again.`);
      result = await measure(scenario, 'quick', roundsOfSecondLook, say);
    }
    const { ratio, lost, duplicated } = result;
    if (isBelow(ratio, floor)) faults.push(`${name}: ${ratio?.toFixed(2)} times its baseline; the floor is ${floor}.`);
    if (lost + duplicated > 0) faults.push(`${name}: ${lost} lost, ${duplicated} repeated.`);
  }
  return faults;
}

const isBelow = (ratio: number | null, floor: number): boolean => !(ratio !== null && ratio >= floor);
