import { isNestedDeeper } from './is-nested-deeper';

it.each([
  [1, 0, false],
  [null, 0, false],
  [{}, 0, true],
  [{}, 1, false],
  [{ a: [1] }, 1, true],
  [{ a: [1] }, 2, false],
  [[[[]]], 2, true],
])('%j is nested deeper than %d levels: %s', (value, levels, expected) => {
  expect(isNestedDeeper(value, levels)).toBe(expected);
});
