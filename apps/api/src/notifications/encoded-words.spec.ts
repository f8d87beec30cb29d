import { decodedWords, phraseOf } from './encoded-words';

it.each([
  ['plain', 'plain'],
  ['=?utf-8?q?p=C3=A4iv?=', 'päiv'],
  ['a =?iso-8859-1?q?=e4?= b', 'a ä b'],
  ['=?utf-8?b?w6Q=?= =?utf-8?q?b?=', 'äb'],
  ['=?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?=', 'テスト'],
  ['a\ufffdb =?utf-8?q?c?=', 'a\ufffdb c'],
])('decodes %j', (header, expected) => {
  expect(decodedWords(header)).toBe(expected);
});

it.each([
  '=?utf-8?q?=ff?=',
  '=?utf-8?b?7aCA?=', // half of a surrogate pair
  '=?utf-16be?b?2AA=?=',
  '=?shift_jis?b?gQ==?=',
  'Re: =?utf-8?q?Gr=FC=DFe?= from me',
])('does not decode %j', (header) => {
  expect(decodedWords(header)).toBe(header);
});

it.each([
  ['=?utf-8?q?=ff?= <a@b.c>', '=?utf-8?q?=ff?='],
  ['"=?utf-8?q?=ff?=" <a@b.c>', '=?utf-8?q?=ff?='],
  ['=?utf-8?q?=ff?=', ''],
])('the words before the address of %j are %j', (header, expected) => {
  expect(phraseOf(header)).toBe(expected);
});
