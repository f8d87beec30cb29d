import fc from 'fast-check';
import { backOffMs } from './back-off';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('backOffMs', () => {
  it('spends about a day on ten attempts', () => {
    let total = 0;
    for (let attempt = 1; attempt < 10; attempt++) total += backOffMs(attempt, 5000, 0, 0.5);
    expect(total / 3_600_000).toBeGreaterThan(20);
    expect(total / 3_600_000).toBeLessThan(26);
  });

  it('is never shorter than the wait that the endpoint asked for, nor than without it', () => {
    const afterMs = fc.integer({ min: 1, max: 86_400_000 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), afterMs, random, (attempt, after, r) => {
        expect(backOffMs(attempt, 5000, after, r)).toBeGreaterThanOrEqual(after);
        expect(backOffMs(attempt, 5000, after, r)).toBeGreaterThanOrEqual(backOffMs(attempt, 5000, 0, r));
      }),
    );
  });

  it('spreads retries for which the endpoint asked for the same wait', () => {
    expect(backOffMs(1, 5000, 60_000, 0)).toBe(60_000);
    expect(backOffMs(1, 5000, 60_000, 0.999)).toBeGreaterThan(74_000);
  });

  it('stays within a quarter of the exponential pause, and a day', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), random, (attempt, r) => {
        const pause = Math.min(5000 * 3.2 ** (attempt - 1), 86_400_000);
        expect(backOffMs(attempt, 5000, 0, r)).toBeGreaterThanOrEqual(Math.floor(pause * 0.75));
        expect(backOffMs(attempt, 5000, 0, r)).toBeLessThanOrEqual(Math.ceil(pause * 1.25));
      }),
    );
  });
});
