import { cutText, ellipsis } from '@pns/payloads';
import { PnsError } from '@pns/runtime';

/** A condition on tags. `and` and `or` have two or more parts. */
export type TagExpression =
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'not'; readonly of: TagExpression }
  | { readonly kind: 'and' | 'or'; readonly of: readonly TagExpression[] };

/** A fault in the text of an expression; `position` counts characters from 0. */
export class TagExpressionError extends PnsError {
  constructor(
    sentence: string,
    readonly position: number,
    hint = '',
  ) {
    super('TAG_EXPRESSION_INVALID', `${sentence} at character ${position + 1}${hint}.`);
    this.name = 'TagExpressionError';
  }
}

interface Token {
  readonly text: string;
  readonly position: number;
}

/** Longest text of an expression, in UTF-16 units. Time and memory of the parser grow with the length. */
export const maxTagExpressionLength = 10_000;

/** Deepest nesting of `!` and parentheses; far below the limit of the stack for the recursive parser. */
const maxDepth = 100;

const operators = { or: '|', and: '&' } as const;

/**
 * Parses expressions like `premium & !(trial | internal)`: `!` binds closest, then `&`, then `|`; blanks are ignored.
 *
 * @throws TagExpressionError, and no other error, for any other text.
 */
export function parseTagExpression(text: string): TagExpression {
  if (text.length > maxTagExpressionLength) {
    const sentence = `It has more than ${maxTagExpressionLength} characters: the first one too many is`;
    throw new TagExpressionError(sentence, maxTagExpressionLength);
  }
  const tokens = tokensOf(text);
  let next = 0;

  const isNext = (expected: string) => tokens[next]?.text === expected && ++next > 0;
  const chain = (kind: 'and' | 'or', part: (depth: number) => TagExpression, depth: number): TagExpression => {
    const first = part(depth);
    const of = [first];
    while (isNext(operators[kind])) of.push(part(depth));
    return of.length === 1 ? first : { kind, of };
  };
  const disjunction = (depth: number): TagExpression => chain('or', conjunction, depth);
  const conjunction = (depth: number): TagExpression => chain('and', operand, depth);
  const operand = (depth: number): TagExpression => {
    const token = tokens[next++];
    if (token === undefined) throw new TagExpressionError('A tag, ! or ( is missing', text.length);
    if (depth > maxDepth) throw new TagExpressionError('It is nested too deeply', token.position);
    if (token.text === '!') return { kind: 'not', of: operand(depth + 1) };
    if (token.text === '(') return group(depth);
    if (isTag(token.text)) return { kind: 'tag', tag: token.text };
    throw new TagExpressionError(`A tag, ! or ( must stand where ${quoted(token)} stands`, token.position);
  };
  const group = (depth: number): TagExpression => {
    const inner = disjunction(depth + 1);
    if (isNext(')')) return inner;
    throw new TagExpressionError('A ) is missing', tokens[next]?.position ?? text.length);
  };

  const whole = disjunction(0);
  const rest = tokens[next];
  if (rest === undefined) return whole;
  // In `not x` and `x and y`, the words are tags without an operator between them. Then the error contains a hint.
  const [word] = [tokens[next - 1], rest].flatMap((token) => wordOperators.get(token?.text.toLowerCase() ?? '') ?? []);
  const hint = word === undefined ? '' : `; ${word}`;
  throw new TagExpressionError(`& or | must stand where ${quoted(rest)} stands`, rest.position, hint);
}

const wordOperators: ReadonlyMap<string, string> = new Map([
  ['and', 'write & instead of and'],
  ['or', 'write | instead of or'],
  ['not', 'write ! instead of not'],
]);

/** Whether `text` is a valid expression. */
export function isTagExpression(text: string): boolean {
  try {
    parseTagExpression(text);
    return true;
  } catch (error) {
    if (error instanceof TagExpressionError) return false;
    throw error;
  }
}

/** The text of an expression; parsing it returns an equal expression. */
export function printTagExpression(expression: TagExpression): string {
  if (expression.kind === 'tag') return expression.tag;
  if (expression.kind === 'not') return `!${printOperand(expression.of)}`;
  return expression.of.map(printOperand).join(` ${operators[expression.kind]} `);
}

/** The tags in an expression, possibly with duplicates. */
export function tagsIn(expression: TagExpression): string[] {
  if (expression.kind === 'tag') return [expression.tag];
  return expression.kind === 'not' ? tagsIn(expression.of) : expression.of.flatMap(tagsIn);
}

/** Whether the expression is true for `tags`. */
export function matchesTags(expression: TagExpression, tags: ReadonlySet<string>): boolean {
  switch (expression.kind) {
    case 'tag':
      return tags.has(expression.tag);
    case 'not':
      return !matchesTags(expression.of, tags);
    case 'and':
      return expression.of.every((part) => matchesTags(part, tags));
    case 'or':
      return expression.of.some((part) => matchesTags(part, tags));
  }
}

/** Whether `text` is a valid tag: letters, digits, underscores, dots and dashes. */
export function isTag(text: string): boolean {
  return /^[A-Za-z0-9_.-]+$/.test(text);
}

function printOperand(expression: TagExpression): string {
  const text = printTagExpression(expression);
  return expression.kind === 'and' || expression.kind === 'or' ? `(${text})` : text;
}

/** The text of a token, shortened for an error message, because a token may be as long as the expression. */
function quoted({ text }: Token): string {
  return cutText(text, 50, { ending: ellipsis });
}

function tokensOf(text: string): Token[] {
  return [...text.matchAll(/[A-Za-z0-9_.-]+|\S/gu)].map(({ 0: token, index }) => ({ text: token, position: index }));
}
