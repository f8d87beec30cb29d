import fc from 'fast-check';
import { cutText, cutTexts, isBlank, jsonBytes, utf8Bytes, wellFormed, type TextSize } from './cut-text';

const marks = `a${'\u0301'.repeat(3000)}`;
const family = '👨‍👩‍👧‍👦';

it.each<[string, number, string]>([
  ['Hello', 5, 'Hello'],
  ['Hello', 4, 'Hell'],
  ['Grüße', 4, 'Grü'],
  ['Grüße', 3, 'Gr'],
  ['ab👍', 5, 'ab'],
  ['ab👍', 6, 'ab👍'],
  [`${family}${family}`, 49, family],
  [family, 20, '👨‍👩‍👧'],
  [family, 2, ''],
  ['e\u0301x', 3, 'e\u0301'],
  ['xe\u0301', 3, 'x'],
  ['🇩🇪🇫🇷', 12, '🇩🇪'],
  ['한국', 5, '한'],
  ['\u1100\u1161', 4, '\u1100'],
  [marks, 5, 'a\u0301\u0301'],
  [`Hello ${marks}`, 100, 'Hello '],
  [` ${marks}`, 4, ' a\u0301'],
  ['\r\n\r\n', 3, '\r\n'],
  ['👍', 3, ''],
  ['', 10, ''],
  ['Hello', 0, ''],
  ['Hello', -5, ''],
  ['a\ud83d', 4, 'a\ufffd'],
  ['a\ud83db', 3, 'a'],
])('%j cut to %i bytes is %j', (text, bytes, expected) => {
  expect(cutText(text, bytes)).toBe(expected);
});

it.each<[string, number, string]>([
  ['Hello', 5, 'Hello'],
  ['Hello!', 5, 'He…'],
  ['Jane Doe\nHi', 11, 'Jane Doe\nHi'],
  ['Jane Doe\nHello', 12, 'Jane Doe…'],
  ['Hello!', 3, 'Hel'],
  ['👍👍', 6, '👍'],
  ['👍👍', 7, '👍…'],
  [marks, 8, 'a\u0301\u0301…'],
  ['\n\n\n\n\n', 4, '\n…'],
])('%j cut to %i bytes with an ending is %j', (text, bytes, expected) => {
  expect(cutText(text, bytes, { ending: '…' })).toBe(expected);
});

it('uses the size of the provider', () => {
  expect(cutText('"""""', 6, { sizeOf: jsonBytes })).toBe('"""');
  expect(cutText('\u0001\u0001', 11, { sizeOf: jsonBytes })).toBe('\u0001');
  expect(cutText('ü"ü', 5, { sizeOf: jsonBytes })).toBe('ü"');
});

/** Text of any script: letters, marks, emoji, flags, controls, blanks and halves of surrogate pairs. */
const unit = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }),
  fc.constantFrom(
    'a',
    'ß',
    'ไ',
    '字',
    '한',
    '\u1100',
    '\u0301',
    '\u200d',
    '\u202e',
    '👋🏽',
    family,
    '🇩🇪',
    '\r\n',
    ' ',
    '\0',
    '"',
  ),
  fc.constantFrom('\ud83d', '\udc4d', 'क्षि', 'நி', '\u0600'),
);
const text = fc
  .array(fc.tuple(unit, fc.integer({ min: 1, max: 60 })), { maxLength: 8 })
  .map((parts) => parts.map(([part, times]) => part.repeat(times)).join(''));
const size = fc.constantFrom<TextSize>(utf8Bytes, jsonBytes);
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

it('any cut text is a well-formed start of the text, within the limit, and empty only if the first code point does not fit', () => {
  fc.assert(
    fc.property(text, fc.nat(400), fc.constantFrom('', '…'), size, (given, bytes, ending, sizeOf) => {
      const cut = cutText(given, bytes, { sizeOf, ending });
      expect(sizeOf(cut)).toBeLessThanOrEqual(bytes);
      expect(wellFormed(cut)).toBe(cut);
      const whole = wellFormed(given);
      const isCut = cut !== whole;
      const start = isCut && ending !== '' && cut.endsWith(ending) ? cut.slice(0, -ending.length) : cut;
      expect(whole.startsWith(start)).toBe(true);
      const [first = ''] = whole;
      if (first !== '' && sizeOf(first) <= bytes) expect(cut).not.toBe('');
      if (sizeOf(whole) <= bytes) expect(cut).toBe(whole);
    }),
    { numRuns: 1000 },
  );
});

it('any text is cut between graphemes, unless nothing visible would be left', () => {
  fc.assert(
    fc.property(text, fc.nat(400), (given, bytes) => {
      const cut = cutText(given, bytes);
      const whole = wellFormed(given);
      const ends = [...segmenter.segment(whole)].map(({ index, segment }) => index + segment.length);
      const lastEnd = Math.max(0, ...ends.filter((end) => utf8Bytes(whole.slice(0, end)) <= bytes));
      if (!isBlank(whole.slice(0, lastEnd))) expect(cut).toBe(whole.slice(0, lastEnd));
    }),
    { numRuns: 1000 },
  );
});

it('reads only as much of a long text as the limit allows', () => {
  const seen: number[] = [];
  const counting: TextSize = (part) => {
    seen.push(part.length);
    return utf8Bytes(part);
  };
  const measured = (length: number): number => {
    seen.length = 0;
    cutText('\u0301'.repeat(length), 100, { sizeOf: counting, ending: '…' });
    return seen.reduce((sum, units) => sum + units, 0);
  };
  expect(measured(1_000_000)).toBe(measured(1000));
});

describe('title and body together', () => {
  const mail = (subject: string, sender = 'Jane Doe') => ({ title: subject, body: `${sender}\n${subject}` });

  it.each<[string, { title?: string; body?: string }, number, object]>([
    ['stay whole where they fit', mail('Hi'), 13, mail('Hi')],
    ['lose the end of the body first', mail('Hello'), 16, { title: 'Hello', body: 'Jane Doe…' }],
    [
      'then the end of the title, and keep the sender',
      mail('Hello, how are you?'),
      20,
      { title: 'Hello,…', body: 'Jane Doe…' },
    ],
    [
      'leave a long sender half',
      { title: 't'.repeat(99), body: 'J'.repeat(99) },
      40,
      { title: `${'t'.repeat(17)}…`, body: `${'J'.repeat(17)}…` },
    ],
    ['give a title alone everything', { title: 't'.repeat(99) }, 10, { title: 'ttttttt…' }],
    ['give a body alone everything', { body: 'b'.repeat(99) }, 10, { body: 'bbbbbbb…' }],
    ['are left out without room', { title: 't', body: 'b' }, 0, {}],
  ])('%s', (_, texts, bytes, expected) => {
    expect(cutTexts(texts, bytes)).toEqual(expected);
  });

  it('fit into any limit, and both are visible where both fit', () => {
    fc.assert(
      fc.property(text, text, fc.nat(300), size, (title, body, bytes, sizeOf) => {
        const cut = cutTexts({ title, body }, bytes, sizeOf);
        expect(sizeOf(cut.title ?? '') + sizeOf(cut.body ?? '')).toBeLessThanOrEqual(bytes);
        if (bytes < 40) return;
        expect(cut.title === undefined).toBe(title === '');
        expect(cut.body === undefined).toBe(body === '');
      }),
      { numRuns: 1000 },
    );
  });
});
