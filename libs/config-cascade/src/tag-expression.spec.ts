import * as fc from 'fast-check';
import {
  matchesTags,
  parseTagExpression,
  printTagExpression,
  TagExpressionError,
  type TagExpression,
} from './tag-expression';

const tag = fc.stringMatching(/^[A-Za-z0-9_.-]{1,6}$/);

const { expression } = fc.letrec<{ expression: TagExpression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 6 },
    fc.record({ kind: fc.constant('tag' as const), tag }),
    fc.record({ kind: fc.constant('not' as const), of: tie('expression') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      of: fc.array(tie('expression'), { minLength: 2, maxLength: 4 }),
    }),
  ),
}));

describe('a tag expression', () => {
  it.each([
    ['premium', 'premium', true],
    ['premium', 'trial', false],
    ['!premium', 'trial', true],
    ['a & b', 'a', false],
    ['a & b', 'a b', true],
    ['a | b', 'b', true],
    ['a | b & c', 'a', true],
    ['a | b & c', 'b', false],
    ['(a | b) & c', 'a', false],
    ['!a & b', 'b', true],
    ['!(a & b)', 'a', true],
    ['!!a', 'a', true],
    ['premium & !(trial | internal)', 'premium', true],
    ['premium & !(trial | internal)', 'premium internal', false],
    ['\tpremium&\n!( trial|internal )', 'premium', true],
    ['1 | example.com', 'example.com', true],
    ['a-b_c.d', 'a-b_c.d', true],
  ])('%j for the tags %j is %j', (text, tags, expected) => {
    expect(matchesTags(parseTagExpression(text), new Set(tags.split(' ')))).toBe(expected);
  });

  it.each([
    ['', 0],
    ['a &', 3],
    ['a b', 2],
    ['& a', 0],
    ['(a', 2],
    ['a)', 1],
    ['a & ü', 4],
    ['()', 1],
    ['a !b', 2],
    ['a && b', 3],
    ['!'.repeat(5000), 101],
    ['('.repeat(5000), 101],
    ['a |'.repeat(4000), 10_000],
    ['('.repeat(5_000_000), 10_000],
  ])('%j is refused with the position of the fault', (text, position) => {
    let error: unknown;
    try {
      parseTagExpression(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ position, code: 'TAG_EXPRESSION_INVALID' });
  });

  it('of the largest size is parsed, and matched in as many steps as it has tags', () => {
    const looked: string[] = [];
    const tags = Object.assign(new Set<string>(), { has: (name: string) => looked.push(name) < 0 });
    const wide = Array.from({ length: 2500 }, (_, at) => `t${at % 10}`)
      .join(' |')
      .slice(0, 10_000);
    expect(matchesTags(parseTagExpression(wide), tags)).toBe(false);
    expect(looked).toHaveLength(wide.split('|').length);
    const deep = `${'!('.repeat(49)}a${')'.repeat(49)}`;
    expect(matchesTags(parseTagExpression(deep), new Set())).toBe(true);
    expect(printTagExpression(parseTagExpression(deep))).toBe(`${'!'.repeat(49)}a`);
  });

  it('shortens a long word in its error', () => {
    expect(() => parseTagExpression(`a ${'b'.repeat(9000)}`)).toThrow(
      /^& or \| must stand where b{47}… stands at character 3\.$/,
    );
  });

  it('is read or refused with its own error, whatever the text', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('a', 'b', '!', '&', '|', '(', ')', ' ') }));
    fc.assert(
      fc.property(text, (candidate) => {
        try {
          parseTagExpression(candidate);
        } catch (error) {
          expect(error).toBeInstanceOf(TagExpressionError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is the same after being printed and read again', () => {
    fc.assert(
      fc.property(expression, (original) => {
        expect(parseTagExpression(printTagExpression(original))).toEqual(original);
      }),
    );
  });
});
