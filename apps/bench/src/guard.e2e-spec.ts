import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Figures, type Result, sum } from './scenario';

/**
 * The CPU time of the baseline for an item, divided by ours. CPU time depends less on other load than rates do. The ratios were 0.76 and
 * 0.93, 0.90, and 2.07 and 2.69 on two cores with a load of 15 to 28. The floors are half of them, so that the test fails only
 * if PNS has become much slower.
 */
const floors: Readonly<Record<string, number>> = { webhook: 0.45, apns: 0.45, pipeline: 1.2 };

/** A minute on an idle machine. */
const timeoutMs = 900_000;

const folder = mkdtempSync(join(tmpdir(), 'pns-guard-'));
let results: readonly Result[];

beforeAll(async () => {
  const file = join(folder, 'results.json');
  await benchmarks('--quick', '--only', Object.keys(floors).join(), '--json', file);
  results = JSON.parse(readFileSync(file, 'utf8')) as Result[];
}, timeoutMs);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the built benchmarks and prints their output. */
function benchmarks(...args: readonly string[]): Promise<void> {
  const command = ['--max-semi-space-size=64', join(__dirname, '..', 'dist', 'main.js'), ...args];
  return new Promise((resolve) => {
    // It also fails if notifications were lost; the tests below say which.
    execFile(process.execPath, command, (_, stdout, stderr) => {
      process.stdout.write(stdout + stderr);
      resolve();
    });
  });
}

const total = (costs: Figures): number => sum(Object.values(costs));

describe.each(Object.entries(floors))('%s', (scenario, floor) => {
  const result = (): Result => results.find((each) => each.scenario === scenario) as Result;

  it(`costs at most 1/${floor} of the CPU time of its baseline`, () => {
    const { ours, baseline } = result().costs;
    expect(total(baseline) / total(ours)).toBeGreaterThanOrEqual(floor);
  });

  it('loses nothing and repeats nothing', () => {
    expect(result()).toMatchObject({ lost: 0, duplicated: 0 });
  });
});
