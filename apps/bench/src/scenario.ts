/** The result of one side of a scenario in one round. */
export interface Measured {
  readonly value: number;
  /** The numbers of accepted notifications that never arrived, and that arrived more than once. */
  readonly lost: number;
  readonly duplicated: number;
  /** Further figures, such as another percentile. */
  readonly details?: Figures;
  /** The costs of each measured process per item: CPU time in microseconds, or instructions if they are counted. */
  readonly costs?: Figures;
}

/** Figures by their names. */
export type Figures = Readonly<Record<string, number>>;

/** One side of a scenario: starts its servers, measures once, and removes everything. */
export type Side = (size: Size) => Promise<Measured>;

/** The amount of work in a round. A quick run shows that everything works, and gives a first idea of the figures. */
export type Size = 'full' | 'quick';

/** The upper or lower bound for a figure. */
export interface Goal {
  /** The name of a detail. Default: the value of the scenario. */
  readonly detail?: string;
  /** Whether our figure is compared with the bound. By default, its ratio to the figure of the baseline is compared. */
  readonly isAbsolute?: boolean;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** A measurement of PNS and of a baseline, alternately in the same run. */
export interface Scenario {
  readonly name: string;
  readonly unit: string;
  readonly ours: Side;
  /** Absent if there is no baseline. */
  readonly baseline?: Side;
  /** A program that does only the necessary work with the same libraries. It shows how far a goal is from what is possible. */
  readonly limit?: Side;
  readonly goals?: readonly Goal[];
  /** Whether it is left out where a server for it cannot be started. */
  readonly isOptional?: boolean;
  /** The largest number of rounds that is useful. */
  readonly rounds?: number;
}

/** The results of all rounds of a scenario. */
export interface Result {
  readonly scenario: string;
  /** The medians. */
  readonly ours: number;
  readonly baseline: number | null;
  /** The ratio of the medians. */
  readonly ratio: number | null;
  readonly unit: string;
  readonly rounds: number;
  /** The lowest and the highest figure of a round. The ratio of a round compares sides that were measured one after the other. */
  readonly ranges: { readonly ours: Range | null; readonly baseline: Range | null; readonly ratio: Range | null };
  /** The sum over all our rounds. */
  readonly lost: number;
  readonly duplicated: number;
  readonly goals: readonly GoalResult[];
  readonly details: Figures;
  /** The costs per item and process: CPU time in microseconds, or instructions if they are counted. */
  readonly costs: { readonly ours: Figures; readonly baseline: Figures };
}

export type Range = readonly [least: number, most: number];

interface GoalResult {
  readonly goal: string;
  readonly isMet: boolean;
}

/** Runs both sides alternately, `rounds` times, and returns the medians. */
export async function measure(
  scenario: Scenario,
  size: Size,
  rounds: number,
  say: (line: string) => void,
): Promise<Result> {
  const ours: Measured[] = [];
  const baseline: Measured[] = [];
  for (let round = 1; round <= rounds; round++) {
    ours.push(await scenario.ours(size));
    if (scenario.baseline !== undefined) baseline.push(await scenario.baseline(size));
    const [mine, theirs] = [ours.at(-1)?.value, baseline.at(-1)?.value];
    const beside = theirs === undefined ? '' : ` beside ${figure(theirs)}`;
    say(`${scenario.name} ${round}/${rounds}: ${figure(mine ?? NaN)}${beside} ${scenario.unit}`);
  }
  return resultOf(scenario, ours, baseline);
}

/** The result of a scenario from the rounds of both sides. `baseline` is empty if the scenario has none. */
export function resultOf(
  { name, unit, goals = [] }: Scenario,
  ours: readonly Measured[],
  baseline: readonly Measured[],
): Result {
  const [mine, theirs] = [ours, baseline].map((side) => side.map(({ value }) => value)) as [number[], number[]];
  const hasBaseline = theirs.length > 0;
  const costs = { ours: mediansOf(ours, 'costs'), baseline: mediansOf(baseline, 'costs') };
  const details = mediansOf(ours, 'details');
  const detailsBeside = mediansOf(baseline, 'details');
  const [our, their] = [median(mine), hasBaseline ? median(theirs) : null];
  return {
    scenario: name,
    ours: our,
    baseline: their,
    ratio: their === null ? null : our / their,
    unit,
    rounds: ours.length,
    ranges: {
      ours: rangeOf(mine),
      baseline: hasBaseline ? rangeOf(theirs) : null,
      ratio: hasBaseline ? rangeOf(mine.map((value, round) => value / (theirs[round] ?? NaN))) : null,
    },
    lost: sum(ours.map(({ lost }) => lost)),
    duplicated: sum(ours.map(({ duplicated }) => duplicated)),
    goals: goals.map((goal) => {
      const figures: readonly [number, number | null] =
        goal.detail === undefined ? [our, their] : [details[goal.detail] ?? NaN, detailsBeside[goal.detail] ?? NaN];
      return goalResult(goal, unit, figures);
    }),
    details,
    costs,
  };
}

function goalResult(
  { detail, isAbsolute = false, atLeast = -Infinity, atMost = Infinity }: Goal,
  unit: string,
  [ours, baseline]: readonly [number, number | null],
): GoalResult {
  const value = isAbsolute ? ours : ours / (baseline ?? NaN);
  const bound = atLeast === -Infinity ? `≤ ${atMost.toLocaleString('en-US')}` : `≥ ${atLeast}`;
  return {
    goal: [detail, isAbsolute ? bound : `${bound}×`, isAbsolute && detail === undefined ? unit : undefined]
      .filter((part) => part !== undefined)
      .join(' '),
    isMet: value >= atLeast && value <= atMost,
  };
}

function mediansOf(measured: readonly Measured[], kind: 'details' | 'costs'): Figures {
  const names = Object.keys(measured[0]?.[kind] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(measured.map((each) => each[kind]?.[name] ?? NaN))]));
}

const rangeOf = (values: readonly number[]): Range => [Math.min(...values), Math.max(...values)];

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** The percentile for a share between 0 and 1. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? NaN;
}

/** The sum of all values; 0 if there are none. */
export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** A number with three or four significant digits. */
export function figure(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
