import { z } from 'zod';
import type { Environment } from './environment';
import type { Result } from './scenario';

const figures = z.record(z.string(), z.number());
const range = z.tuple([z.number(), z.number()]).nullable();

/** A scenario in `docs/benchmarks.json`. Runs with lost or repeated notifications are not stored. */
const storedResult = z.strictObject({
  scenario: z.string(),
  /** The day on which it was measured. */
  date: z.iso.date(),
  ours: z.number(),
  baseline: z.number().nullable(),
  ratio: z.number().nullable(),
  unit: z.string(),
  rounds: z.int().min(1),
  ranges: z.strictObject({ ours: range, baseline: range, ratio: range }),
  lost: z.literal(0),
  duplicated: z.literal(0),
  goals: z.array(z.strictObject({ goal: z.string(), isMet: z.boolean() })),
  details: figures,
  costs: z.strictObject({ ours: figures, baseline: figures }),
});

const run = z.strictObject({
  node: z.string(),
  redis: z.string(),
  postgres: z.string(),
  durability: z.enum(['always', 'everysec']),
  machine: z.string(),
  results: z.array(storedResult),
});

const entry = z.strictObject({ version: z.string(), runs: z.array(run).min(1) });

/** `docs/benchmarks.json`: an entry for each release, the newest first. */
export const benchmarks = z
  .array(entry)
  .refine((entries) => areDifferent(entries.map(({ version }) => version)), 'a version has two entries')
  .refine(
    (entries) => entries.every(({ runs }) => areDifferent(runs.map(kindOf))),
    'a version has two runs of the same kind',
  );

export type Benchmarks = z.infer<typeof benchmarks>;
export type Run = z.infer<typeof run>;

const areDifferent = (names: readonly string[]): boolean => new Set(names).size === names.length;

/** The kind of a run; a new run replaces the earlier one of its kind. */
function kindOf({ node, durability }: Pick<Environment, 'node' | 'durability'>): string {
  return `${majorOf(node)} ${durability}`;
}

export const majorOf = (node: string): number => Number.parseInt(node, 10);

/**
 * Adds the results of a run to the entry of a version. They replace the results of the same scenarios in an earlier run of the
 * same kind, or all its results if its environment differs, because figures of two environments must not be compared.
 */
export function withResults(
  entries: Benchmarks,
  version: string,
  environment: Environment,
  results: readonly Result[],
  date: string,
): Benchmarks {
  const runs = entries.find((each) => each.version === version)?.runs ?? [];
  const earlier = runs.find((each) => kindOf(each) === kindOf(environment));
  const isSame =
    earlier !== undefined &&
    JSON.stringify({ ...earlier, results: [] }) === JSON.stringify({ ...environment, results: [] });
  const measured = new Map([
    ...(isSame ? earlier.results : []).map(named),
    ...results.map((result) => named(stored(result, date))),
  ]);
  const updated = { ...environment, results: [...measured.values()] };
  const others = runs.filter((each) => each !== earlier);
  return [{ version, runs: [...others, updated] }, ...entries.filter((each) => each.version !== version)];
}

const named = (result: Run['results'][number]) => [result.scenario, result] as const;

function stored(result: Result, date: string): Run['results'][number] {
  const { scenario, ...rest } = JSON.parse(JSON.stringify(result, rounded)) as Run['results'][number];
  return { scenario, ...rest, date };
}

const rounded = (_: string, value: unknown): unknown =>
  typeof value === 'number' ? Number(value.toPrecision(5)) : value;

/** The text of the file: a line for each scenario, so that a diff shows which ones have changed. */
export function textOf(entries: Benchmarks): string {
  const runText = ({ results, ...rest }: Run): string => {
    const head = JSON.stringify({ ...rest, results: [] }).slice(0, -2);
    return `${head}\n${results.map((result) => JSON.stringify(result)).join(',\n')}\n]}`;
  };
  const entryText = ({ version, runs }: Benchmarks[number]): string =>
    `{"version":${JSON.stringify(version)},"runs":[\n${runs.map(runText).join(',\n')}\n]}`;
  return `[\n${entries.map(entryText).join(',\n')}\n]\n`;
}
