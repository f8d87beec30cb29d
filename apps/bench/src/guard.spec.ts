import { floors, guard } from './guard';
import type { Scenario } from './scenario';
import { scenarios } from './scenarios';

const names = Object.keys(floors);
const usual = 10;

/** All guarded scenarios with a usual ratio, except that `webhook` has these ratios, one in each round. */
function withWebhook(ratios: readonly number[], more: { lost?: number } = {}): Scenario[] {
  const exact = { lost: 0, duplicated: 0 };
  return names.map((name) => {
    const left = name === 'webhook' ? [...ratios] : [];
    return {
      name,
      unit: 'deliveries/s',
      ours: () => Promise.resolve({ value: left.shift() ?? usual, ...exact, ...(name === 'webhook' ? more : {}) }),
      baseline: () => Promise.resolve({ value: 1, ...exact }),
    };
  });
}

async function guarded(all: readonly Scenario[]): Promise<{ faults: readonly string[]; rounds: number }> {
  let rounds = 0;
  const faults = await guard(all, (line) => void (rounds += line.startsWith('webhook ') ? 1 : 0));
  return { faults, rounds };
}

it('each floor belongs to a scenario with a baseline, and is below its goal', () => {
  for (const [name, floor] of Object.entries(floors)) {
    const scenario = scenarios.find((each) => each.name === name);
    expect(scenario?.baseline).toBeDefined();
    expect(floor).toBeLessThan(scenario?.goals?.[0]?.atLeast ?? 0);
  }
});

it('a usual ratio needs one round', async () => {
  expect(await guarded(withWebhook([1]))).toEqual({ faults: [], rounds: 1 });
});

it('one slow round is measured again, and the median of the new rounds decides', async () => {
  expect(await guarded(withWebhook([0.1, 1, 0.1, 1]))).toEqual({ faults: [], rounds: 4 });
  expect(await guarded(withWebhook([0.1, 0.2, 0.1, 1]))).toEqual({
    faults: ['webhook: 0.20 times its baseline; the floor is 0.45.'],
    rounds: 4,
  });
});

it('a lost delivery is a fault at any speed', async () => {
  expect((await guarded(withWebhook([1], { lost: 1 }))).faults).toEqual(['webhook: 1 lost, 0 repeated.']);
});
