import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Benchmarks, benchmarks, textOf, withResults } from './benchmarks';
import type { Environment } from './environment';
import { nodeOfImages, pageWith } from './figures-page';
import { type Measured, resultOf, type Scenario } from './scenario';

const root = join(__dirname, '..', '..', '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const { version } = JSON.parse(read('package.json')) as { version: string };

const environment: Environment = {
  node: '24.1.0',
  redis: '7.0.15',
  postgres: '18.4',
  durability: 'always',
  machine: '2 cores',
};
const onNode20: Environment = { ...environment, node: '20.20.2' };
const relaxed: Environment = { ...environment, durability: 'everysec' };
const day = '2026-01-02';

const measured = (value: number, more: Partial<Measured> = {}): Measured => ({
  value,
  lost: 0,
  duplicated: 0,
  ...more,
});

const scenario = (name: string): Scenario => ({
  name,
  unit: 'deliveries/s',
  ours: () => Promise.reject(new Error('not measured here')),
  goals: [{ atLeast: 2 }, { detail: 'p50 ms', atMost: 1 }, { atMost: 100, isAbsolute: true }],
});

const result = (name: string, ours: readonly number[] = [10, 30, 20]) =>
  resultOf(
    scenario(name),
    ours.map((value) => measured(value, { details: { 'p50 ms': 3 }, costs: { Node: 1.5 } })),
    ours.map(() => measured(5, { details: { 'p50 ms': 2 }, costs: { Node: 4, Redis: 2 } })),
  );

const page = (entries: Benchmarks): string => pageWith(read('docs/performance.md'), entries);

describe('docs/benchmarks.json', () => {
  const stored = benchmarks.parse(JSON.parse(read('docs/benchmarks.json')));

  it('has the form that `npm run bench -- --report` writes', () => {
    expect(textOf(stored)).toBe(read('docs/benchmarks.json'));
  });

  it('has the current version first', () => {
    expect(stored[0]?.version).toBe(version);
  });

  it('has the figures of docs/performance.md', () => {
    expect(pageWith(read('docs/performance.md'), stored)).toBe(read('docs/performance.md'));
  });
});

it('the headline of the page is measured with the Node of the images', () => {
  expect(read('Dockerfile')).toMatch(new RegExp(`^FROM node:${nodeOfImages}-`, 'm'));
});

it('a result has medians, ranges, the verdict on each goal, and the costs of both sides', () => {
  expect(result('webhook')).toMatchObject({
    ours: 20,
    baseline: 5,
    ratio: 4,
    rounds: 3,
    ranges: { ours: [10, 30], baseline: [5, 5], ratio: [2, 6] },
    goals: [
      { goal: '≥ 2×', isMet: true },
      { goal: 'p50 ms ≤ 1×', isMet: false },
      { goal: '≤ 100 deliveries/s', isMet: true },
    ],
    costs: { ours: { Node: 1.5 }, baseline: { Node: 4, Redis: 2 } },
  });
});

it('a goal is not met if its figure was not measured', () => {
  const { goals } = resultOf(scenario('webhook'), [measured(20)], []);
  expect(goals.map(({ isMet }) => isMet)).toEqual([false, false, true]);
});

it('a new version becomes the first entry', () => {
  const first = withResults([], '1.0.0', environment, [result('webhook')], day);
  const second = withResults(first, '1.1.0', environment, [result('webhook')], day);
  expect(second.map((entry) => entry.version)).toEqual(['1.1.0', '1.0.0']);
  expect(benchmarks.parse(second)).toEqual(second);
});

it('a second run of a version replaces the scenarios that it measured', () => {
  const first = withResults([], '1.0.0', environment, [result('webhook'), result('apns')], day);
  const second = withResults(first, '1.0.0', environment, [result('apns', [40])], '2026-01-03');
  expect(second).toHaveLength(1);
  expect(second[0]?.runs[0]?.results.map(({ scenario: name, ours, date }) => [name, ours, date])).toEqual([
    ['webhook', 20, day],
    ['apns', 40, '2026-01-03'],
  ]);
});

it('a run in another environment of the same kind replaces all figures of the earlier one', () => {
  const first = withResults([], '1.0.0', environment, [result('webhook'), result('apns')], day);
  const second = withResults(first, '1.0.0', { ...environment, node: '24.2.0' }, [result('apns')], day);
  expect(second[0]?.runs.map(({ node, results }) => [node, results.length])).toEqual([['24.2.0', 1]]);
});

it('the page shows the Node of the images first, other versions as columns, and relaxed settings as a second table', () => {
  let entries: Benchmarks = [];
  for (const [each, value] of [
    [onNode20, 15],
    [environment, 20],
    [relaxed, 25],
  ] as const) {
    entries = withResults(entries, '1.0.0', each, [result('webhook', [value])], day);
  }
  const written = page(benchmarks.parse(entries));
  const rows = written.split('\n').filter((line) => line.startsWith('| `webhook`') && line.includes('×'));
  const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()));
  expect(cells.map((row) => row.slice(2, 7))).toEqual([
    ['20.0', '5.00', 'deliveries/s', '4.00', '4.00 to 4.00'],
    ['25.0', '5.00', 'deliveries/s', '5.00', '5.00 to 5.00'],
  ]);
  expect(cells[0]?.at(-2)).toBe('3.00');
  expect(written).toContain('p50 ms ≤ 1× not met');
  expect(page(entries)).toBe(pageWith(written, entries));
});

it.each([
  ['lost notifications', { lost: 1 }],
  ['repeated notifications', { duplicated: 1 }],
])('a result with %s is not valid', (_, more) => {
  const entries = withResults([], '1.0.0', environment, [{ ...result('webhook'), ...more }], day);
  expect(benchmarks.safeParse(entries).success).toBe(false);
});
