import { expectedBy } from './version';

it.each<[string | undefined, string | undefined, unknown]>([
  [undefined, undefined, undefined],
  ['"12"', undefined, { version: '12' }],
  [' "12" ', undefined, { version: '12' }],
  ['*', undefined, 'present'],
  [undefined, '*', 'absent'],
])('If-Match %j and If-None-Match %j expect %j', (ifMatch, ifNoneMatch, expected) => {
  expect(expectedBy(ifMatch, ifNoneMatch)).toEqual(expected);
});

it.each<[string | undefined, string | undefined]>([
  ['12', undefined],
  ['W/"12"', undefined],
  ['"12", "13"', undefined],
  ['"x"', undefined],
  ['', undefined],
  [undefined, '"12"'],
  [undefined, ''],
  ['*', '*'],
  ['"12"', '*'],
])('If-Match %j and If-None-Match %j are refused', (ifMatch, ifNoneMatch) => {
  expect(() => expectedBy(ifMatch, ifNoneMatch)).toThrow(expect.objectContaining({ code: 'VERSION_CHANGED' }) as Error);
});
