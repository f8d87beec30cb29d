import fc from 'fast-check';
import { isExactNumber } from './exact-number';

it.each([
  ...[
    '0',
    '0.0',
    '-0.5',
    '-1e-7',
    '0e999999999999',
    '1',
    '1.0',
    '-1.50',
    '1e0',
    '1E+2',
    '10e-1',
    '0.1',
    '1e23',
    '1e-7',
    '5e-324',
  ],
  ...['9007199254740991', '9007199254740992', '100000000000000000000', '123456789012345680000', '1e21', '1e308'],
  ...['0.30000000000000004', '1.7976931348623157e308', '0.000001', '1700000000000000'],
  `1${'0'.repeat(300)}`,
  `${'0.'}${'0'.repeat(300)}1`,
  `1${'0'.repeat(300)}e-300`,
])('can send %s unchanged', (token) => {
  expect(isExactNumber(token)).toBe(true);
});

it.each([
  ...['1e400', '-1e400', '1e-400', '9007199254740993', '12345678901234567890', '0.1234567890123456789', '1e309'],
  ...['1.7976931348623159e308', '3e-324', '0.300000000000000044', '0.10000000000000000555', '123456789012345678e-1'],
  ...['-0', '-0.0', '-0e5', '-0.000E-7', '-0e999999999999', '-1e-400'],
  `0.${'3'.repeat(20)}`,
  `1${'0'.repeat(400)}1`,
  '1e99999999999999999999999',
  '1e-99999999999999999999999',
])('cannot send %s unchanged', (token) => {
  expect(isExactNumber(token)).toBe(false);
});

it('can send every number of JavaScript', () => {
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => isExactNumber(JSON.stringify(n))));
});

it('can send a zero only without a minus sign', () => {
  fc.assert(
    fc.property(fc.constantFrom('', '-'), fc.stringMatching(/^0(\.0{1,30})?([eE][+-]?\d{1,30})?$/), (sign, zero) => {
      expect(isExactNumber(sign + zero)).toBe(sign === '');
    }),
  );
});

it('can send an integer exactly if JavaScript writes it with the same digits', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (n) => {
      expect(isExactNumber(String(n))).toBe(BigInt(Number(n).toLocaleString('fullwide', { useGrouping: false })) === n);
    }),
  );
});
