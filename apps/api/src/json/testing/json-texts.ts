import fc from 'fast-check';

/** A JSON value as any program may write it: numbers and strings as tokens, members in order and possibly repeated. */
export type Written =
  | { readonly kind: 'literal'; readonly token: 'true' | 'false' | 'null' }
  | { readonly kind: 'number'; readonly token: string }
  | { readonly kind: 'string'; readonly text: string; readonly isEscaped: boolean }
  | { readonly kind: 'list'; readonly items: readonly Written[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [name: string, value: Written])[] };

const digits = fc.stringMatching(/^\d{1,25}$/);
const whole = fc.oneof(fc.constant('0'), fc.stringMatching(/^[1-9]\d{0,24}$/));
const numberToken = fc
  .tuple(
    fc.constantFrom('', '-'),
    whole,
    fc.option(digits, { nil: undefined }),
    fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-'), fc.nat(420)), { nil: undefined }),
  )
  .map(
    ([sign, integer, fraction, exponent]) =>
      `${sign}${integer}${fraction === undefined ? '' : `.${fraction}`}${exponent?.join('') ?? ''}`,
  );

/** Some of these texts contain halves of surrogate pairs. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.string({ unit: fc.constantFrom('a', '"', '\\', '\ud83d', '\ude00', 'é', '\u0000', '\n', '[', '}'), maxLength: 6 }),
);
const names = fc.oneof(anyText, fc.constantFrom('a', 'b', 'constructor', 'prototype', '__proto__', 'toString', '1'));

const { value } = fc.letrec<{ value: Written }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    fc.record({
      kind: fc.constant('literal' as const),
      token: fc.constantFrom('true' as const, 'false' as const, 'null' as const),
    }),
    fc.record({
      kind: fc.constant('number' as const),
      token: fc.oneof(
        numberToken,
        fc.constantFrom('-0', '-0.0', '-0e5', '-0.00E-3', '0', '0.0', '0e7'),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => JSON.stringify(n)),
      ),
    }),
    fc.record({ kind: fc.constant('string' as const), text: anyText, isEscaped: fc.boolean() }),
    fc.record({ kind: fc.constant('list' as const), items: fc.array(tie('value'), { maxLength: 4 }) }),
    fc.record({
      kind: fc.constant('object' as const),
      members: fc.array(fc.tuple(names, tie('value')), { maxLength: 4 }),
    }),
  ),
}));

/** Any JSON value, in any spelling. */
export const written: fc.Arbitrary<Written> = value;

/** An object, in any spelling. */
export const writtenObject: fc.Arbitrary<Written> = fc.record({
  kind: fc.constant('object' as const),
  members: fc.array(fc.tuple(names, value), { maxLength: 5 }),
});

/** The JSON text of the value, with `blank` between its tokens. */
export function textOf(value: Written, blank = ''): string {
  switch (value.kind) {
    case 'literal':
    case 'number':
      return value.token;
    case 'string':
      return value.isEscaped ? escaped(value.text) : JSON.stringify(value.text);
    case 'list':
      return `[${blank}${value.items.map((item) => textOf(item, blank)).join(`${blank},`)}${blank}]`;
    case 'object': {
      const members = value.members.map(
        ([name, inner]) => `${JSON.stringify(name)}${blank}:${blank}${textOf(inner, blank)}`,
      );
      return `{${blank}${members.join(`,${blank}`)}${blank}}`;
    }
  }
}

function escaped(text: string): string {
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`;
}

/** Whether JavaScript parses and writes the value without a loss. */
export function isSendable(value: Written): boolean {
  switch (value.kind) {
    case 'literal':
      return true;
    case 'number': {
      const sent = JSON.stringify(Number(value.token));
      return sent !== 'null' && isSameNumber(value.token, sent) && !isNegativeZero(value.token);
    }
    case 'string':
      return isUnicode(value.text);
    case 'list':
      return value.items.every(isSendable);
    case 'object': {
      const own = value.members.map(([name]) => name);
      const isGood = own.every((name) => name !== '__proto__' && isUnicode(name));
      return isGood && new Set(own).size === own.length && value.members.every(([, inner]) => isSendable(inner));
    }
  }
}

/** Compares two numbers by their exact values. */
function isSameNumber(one: string, other: string): boolean {
  const [a, b] = [fractionOf(one), fractionOf(other)];
  return a.numerator * b.denominator === b.numerator * a.denominator;
}

/** Whether the number is a negative zero, whose sign is lost in JavaScript's JSON. */
function isNegativeZero(token: string): boolean {
  return /^-[0.]+(?:[eE]|$)/.test(token);
}

function fractionOf(token: string): { readonly numerator: bigint; readonly denominator: bigint } {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e');
  const [integer = '', fraction = ''] = mantissa.split('.');
  const shift = Number(exponent) - fraction.length;
  const numerator = BigInt(`${integer}${fraction}`.replace('-', '')) * (mantissa.startsWith('-') ? -1n : 1n);
  return shift >= 0
    ? { numerator: numerator * 10n ** BigInt(shift), denominator: 1n }
    : { numerator, denominator: 10n ** BigInt(-shift) };
}

/** Whether the text has no half of a surrogate pair, which UTF-8 cannot encode. */
function isUnicode(text: string): boolean {
  return Buffer.from(text).toString() === text;
}
