import { presentedKey } from './authenticator';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

it.each([
  ['Bearer abc', 'abc'],
  ['bearer   abc  ', 'abc'],
  ['Bearer a b', 'a b'],
  ['Bearer  a  \t b ', 'a  \t b'],
  ['Bearer \ta', undefined],
  [' Bearer a', undefined],
  ['Bearera', undefined],
  [basic('anyone:abc'), 'abc'],
  [basic(':abc'), 'abc'],
  [basic('anyone:a:b'), 'a:b'],
  [basic('anyone:'), undefined],
  [basic('abc'), undefined],
  ['Bearer', undefined],
  ['Bearer ', undefined],
  ['Digest abc', undefined],
  ['abc', undefined],
  ['', undefined],
  [undefined, undefined],
])('%j presents the key %j', (header, key) => {
  expect(presentedKey(header)).toBe(key);
});

it('reads a header with many blanks once', () => {
  const key = `a${' '.repeat(10_000_000)}b`; // an expression that starts again at each blank takes hours
  expect(presentedKey(`Bearer ${key}`)).toBe(key);
});
