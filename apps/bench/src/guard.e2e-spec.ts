import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Figures, type Result, sum } from './scenario';

/**
 * The CPU time that the baseline uses for an item, divided by ours. Each floor is about half of the ratio that was measured when it was
 * set, so that only a slip of that size fails. CPU time hardly depends on other load, but the measurement is short.
 */
const floors: Readonly<Record<string, number>> = { ingest: 1, websocket: 0.3, webhook: 0.5, apns: 0.4, pipeline: 2 };

const folder = mkdtempSync(join(tmpdir(), 'pns-guard-'));
let results: readonly Result[];

beforeAll(() => {
  const file = join(folder, 'results.json');
  const program = join(__dirname, '..', 'dist', 'main.js');
  const args = ['--max-semi-space-size=64', program, '--quick', '--only', Object.keys(floors).join(), '--json', file];
  process.stdout.write(execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 24 }));
  results = JSON.parse(readFileSync(file, 'utf8')) as Result[];
}, 900_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const total = (costs: Figures): number => sum(Object.values(costs));

describe.each(Object.entries(floors))('%s', (scenario, floor) => {
  const result = (): Result => results.find((each) => each.scenario === scenario) as Result;

  it(`needs at most 1/${floor} of the CPU time of its baseline`, () => {
    const { ours, baseline } = result().costs;
    expect(total(baseline) / total(ours)).toBeGreaterThanOrEqual(floor);
  });

  it('loses nothing and repeats nothing', () => {
    expect(result()).toMatchObject({ lost: 0, duplicated: 0 });
  });
});
