import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Figures, type Result, sum } from './scenario';

/**
 * The CPU time of the baseline for an item, divided by ours. Each floor is about half of the ratio when it was set, so that only a slip
 * of that size fails. CPU time hardly depends on other load, but the measurement is short.
 */
const floors: Readonly<Record<string, number>> = { ingest: 1, websocket: 0.3, webhook: 0.5, apns: 0.4, pipeline: 2 };

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
