import { faultKinds, laneOf, plans, type PlannedFault } from './plans';

const mixed = (seed: number, loadMs: number): readonly PlannedFault[] => plans['mixed']!({ seed, loadMs });

it('the same seed makes the same plan, and another seed another one', () => {
  expect(mixed(7, 600_000)).toEqual(mixed(7, 600_000));
  expect(mixed(8, 600_000)).not.toEqual(mixed(7, 600_000));
});

it('a plan of ten minutes has at least 60 faults and all kinds', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const faults = mixed(seed, 600_000);
    expect(faults.length).toBeGreaterThanOrEqual(60);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(Object.keys(faultKinds)));
  }
});

it.each([0, 1, 20, 75])('a mixed plan for %i faults has about as many', (mixedFaults) => {
  const faults = plans['mixed']!({ seed: 1, loadMs: 900_000, mixedFaults });
  expect(Math.abs(faults.length - mixedFaults)).toBeLessThanOrEqual(Math.max(1, mixedFaults / 4));
});

it('a plan leaves out kinds that this machine does not allow', () => {
  const faults = plans['mixed']!({ seed: 1, loadMs: 600_000, without: ['disk-full'] });
  expect(faults.map(({ kind }) => kind)).not.toContain('disk-full');
});

it('faults of one target do not overlap', () => {
  for (const seed of [1, 2, 3]) {
    const endOf = new Map<string, number>();
    for (const fault of mixed(seed, 600_000)) {
      expect(fault.at).toBeGreaterThanOrEqual(endOf.get(laneOf(fault)) ?? 0);
      endOf.set(laneOf(fault), fault.at + fault.lasts);
    }
  }
});
