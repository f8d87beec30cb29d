import fc from 'fast-check';
import { shrink } from './shrink';

it('finds the faults that cause a loss only together', async () => {
  const guilty = fc.uniqueArray(fc.nat(19), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(guilty, async (bad) => {
      const all = Array.from({ length: 20 }, (_, index) => index);
      const found = await shrink(all, 200, (some) => Promise.resolve(bad.every((each) => some.includes(each))));
      expect(new Set(found)).toEqual(new Set(bad));
    }),
  );
});

it('makes no more runs than allowed, and returns the smallest part so far', async () => {
  let runs = 0;
  const found = await shrink([1, 2, 3, 4, 5, 6, 7, 8], 2, (some) => {
    runs++;
    return Promise.resolve(some.includes(8));
  });
  expect([runs, found]).toEqual([2, [7, 8]]);
});
