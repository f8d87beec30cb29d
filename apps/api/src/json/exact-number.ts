/** The value `digits` times ten to the power of `exponent`. */
interface Decimal {
  readonly digits: string;
  readonly exponent: number;
}

/**
 * Whether JavaScript writes a JSON number with the same value. `1.0` is written as `1`, which is the same value. A negative
 * zero is not exact: JavaScript writes `0`, while a double or a decimal keeps the sign.
 */
export function isExactNumber(token: string): boolean {
  const value = Number(token);
  if (!Number.isFinite(value) || Object.is(value, -0)) return false;
  const [posted, sent] = [decimalOf(token), decimalOf(String(value))];
  return posted.digits === sent.digits && posted.exponent === sent.exponent;
}

function decimalOf(token: string): Decimal {
  const [, whole = '', fraction = '', exponent = '0'] = /^-?(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?/.exec(token) ?? [];
  const all = whole + fraction;
  let start = 0;
  while (all[start] === '0') start++;
  if (start === all.length) return { digits: '0', exponent: 0 };
  let end = all.length;
  while (all[end - 1] === '0') end--;
  return { digits: all.slice(start, end), exponent: Number(exponent) - fraction.length + (all.length - end) };
}
