import { presentedKey } from './authenticator';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

it.each([
  ['Bearer abc', 'abc'],
  ['bearer   abc  ', 'abc'],
  ['Bearer a b', 'a b'],
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
