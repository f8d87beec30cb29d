import { expectedBy } from './version';

it.each<[string | undefined, string | undefined, unknown]>([
  [undefined, undefined, undefined],
  ['"12"', undefined, { versions: ['12'] }],
  [' "12" ', undefined, { versions: ['12'] }],
  ['"12", "13"', undefined, { versions: ['12', '13'] }],
  ['"12","13" ,, "14",', undefined, { versions: ['12', '13', '14'] }],
  ['W/"12", "13"', undefined, { versions: ['13'] }],
  ['"a,b", "12-gzip", "13"', undefined, { versions: ['13'] }],
  ['*', undefined, 'present'],
  [undefined, '*', 'absent'],
])('If-Match %j and If-None-Match %j expect %j', (ifMatch, ifNoneMatch, expected) => {
  expect(expectedBy(ifMatch, ifNoneMatch)).toEqual(expected);
});

it.each<[string | undefined, string | undefined, string]>([
  ['12', undefined, 'with their quotes'],
  ['"12" "13"', undefined, 'separated by commas'],
  ['"12', undefined, 'with their quotes'],
  ['w/"12"', undefined, 'with their quotes'],
  ['*, "12"', undefined, 'must be *'],
  ['', undefined, 'with their quotes'],
  ['W/"12"', undefined, 'send it without W/'],
  ['W/"12", W/"13", "x"', undefined, 'send it without W/'],
  ['"x"', undefined, 'no ETag of PNS'],
  ['"12-gzip"', undefined, 'no ETag of PNS'],
  ['""', undefined, 'no ETag of PNS'],
  ['"1234567890123456789"', undefined, 'no ETag of PNS'],
  [undefined, '"12"', 'can only be *'],
  [undefined, '', 'can only be *'],
  ['*', '*', 'cannot be combined with'],
  ['"12"', '*', 'cannot be combined with'],
])('If-Match %j and If-None-Match %j are refused', (ifMatch, ifNoneMatch, sentence) => {
  const error = { code: 'VERSION_CHANGED', message: expect.stringContaining(sentence) as string };
  expect(() => expectedBy(ifMatch, ifNoneMatch)).toThrow(expect.objectContaining(error) as Error);
});

it('reads a long header once', () => {
  const list = `${'"1",'.repeat(3000)}x`;
  expect(() => expectedBy(list)).toThrow('with their quotes');
});
