import { csvOf, wantsCsv } from './csv';

it.each([
  ['text/csv', true],
  ['Text/CSV; charset=utf-8', true],
  ['application/json, text/csv;q=0.5', true],
  ['application/json', false],
  ['*/*', false],
  [undefined, false],
])('Accept: %s asks for CSV: %s', (accept, expected) => {
  expect(wantsCsv(accept)).toBe(expected);
});

it.each([
  ['plain', 'plain'],
  [5, '5'],
  [undefined, ''],
  ['a,b', '"a,b"'],
  ['a "b"', '"a ""b"""'],
  ['a\nb', '"a\nb"'],
  ['=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"'],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@a', "'@a"],
  [-1, '-1'],
])('writes %j as %s', (cell, expected) => {
  expect(csvOf(['name'], [[cell]])).toBe(`name\r\n${expected}\r\n`);
});
