/** The result of one side of a scenario in one round. */
export interface Measured {
  readonly value: number;
  /** The accepted notifications that never arrived, and those that arrived more than once. */
  readonly lost: number;
  readonly duplicated: number;
  /** Further figures, such as microseconds of CPU per notification. */
  readonly details?: Readonly<Record<string, number>>;
}

/** One side of a scenario: starts its servers, measures once, and removes everything. */
export type Side = (size: Size) => Promise<Measured>;

/** How much work a round is; a quick run is enough to see that everything works, and for a first idea. */
export type Size = 'full' | 'quick';

/** A measurement of PNS and of a baseline, alternately in the same run. */
export interface Scenario {
  readonly name: string;
  readonly unit: string;
  readonly ours: Side;
  /** Absent if there is no baseline. */
  readonly baseline?: Side;
  /** The upper or lower bound for the ratio of ours to the baseline. */
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number };
  readonly rounds?: number;
}

/** The medians of all rounds. */
export interface Result {
  readonly scenario: string;
  readonly ours: number;
  readonly baseline: number | null;
  readonly ratio: number | null;
  readonly unit: string;
  /** Over all rounds of ours. */
  readonly lost: number;
  readonly duplicated: number;
  readonly goal: string;
  readonly isMet: boolean | null;
  readonly details: Readonly<Record<string, number>>;
}

/** Runs both sides alternately, `rounds` times, and returns the medians. */
export async function measure(
  scenario: Scenario,
  size: Size,
  rounds: number,
  tell: (line: string) => void,
): Promise<Result> {
  const ours: Measured[] = [];
  const baseline: Measured[] = [];
  for (let round = 1; round <= rounds; round++) {
    ours.push(await scenario.ours(size));
    if (scenario.baseline !== undefined) baseline.push(await scenario.baseline(size));
    const [mine, theirs] = [ours.at(-1)?.value, baseline.at(-1)?.value];
    const beside = theirs === undefined ? '' : ` beside ${figure(theirs)}`;
    tell(`${scenario.name} ${round}/${rounds}: ${figure(mine ?? NaN)}${beside} ${scenario.unit}`);
  }
  return resultOf(scenario, ours, baseline);
}

function resultOf({ name, unit, goal }: Scenario, ours: readonly Measured[], baseline: readonly Measured[]): Result {
  const mine = median(ours.map(({ value }) => value));
  const theirs = baseline.length === 0 ? null : median(baseline.map(({ value }) => value));
  const ratio = theirs === null ? null : mine / theirs;
  return {
    scenario: name,
    ours: mine,
    baseline: theirs,
    ratio,
    unit,
    lost: sum(ours.map(({ lost }) => lost)),
    duplicated: sum(ours.map(({ duplicated }) => duplicated)),
    goal: goal === undefined ? '' : 'atLeast' in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`,
    isMet:
      goal === undefined || ratio === null ? null : 'atLeast' in goal ? ratio >= goal.atLeast : ratio <= goal.atMost,
    details: detailsOf(ours),
  };
}

function detailsOf(measured: readonly Measured[]): Record<string, number> {
  const names = Object.keys(measured[0]?.details ?? {});
  return Object.fromEntries(names.map((name) => [name, median(measured.map(({ details }) => details?.[name] ?? NaN))]));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** The percentile for this share. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? NaN;
}

/** The total. */
export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** A number with three or four significant digits. */
export function figure(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
