import { fieldsThatFit, isWithinBytes } from './fitting-json';

it.each([
  ['', 0, true],
  ['abc', 3, true],
  ['abc', 2, false],
  ['äöü', 6, true],
  ['äöü', 5, false],
  ['👋', 4, true],
  ['👋', 3, false],
])('%j has at most %i bytes: %s', (text, maxBytes, expected) => {
  expect(isWithinBytes(text, maxBytes)).toBe(expected);
});

it('keeps the fields that fit, in their order, and leaves out larger ones', () => {
  const fields: [string, unknown][] = [
    ['a', 1],
    ['b', 'x'.repeat(100)],
    ['c', [true, null]],
    ['"', 'ä'],
    ['d', 2],
  ];
  const kept = fieldsThatFit(fields, 32);
  expect(kept.map(([name]) => name)).toEqual(['a', 'c', '"']);
  // The object has a brace at each end, and no comma after the last field.
  expect(Buffer.byteLength(JSON.stringify(Object.fromEntries(kept)))).toBeLessThanOrEqual(32 + 1);
});

it('counts a field without a value, which JSON writes as null in a list', () => {
  expect(fieldsThatFit([['a', undefined]], 9)).toEqual([['a', undefined]]);
  expect(fieldsThatFit([['a', undefined]], 8)).toEqual([]);
});
