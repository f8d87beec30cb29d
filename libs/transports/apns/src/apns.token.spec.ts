import fc from 'fast-check';
import { apnsToken } from './apns.token';

const token = 'ab12'.repeat(16);

it.each([token, token.toUpperCase(), 'ab', '0F'.repeat(100)])('%s can be a device token', (each) => {
  expect(apnsToken.tokenProblem(each)).toBeUndefined();
});

it.each([
  ['its description', '<ab12ab12 ab12ab12>'],
  ['its description without blanks', `<${token}>`],
  ['the description of newer systems', '{length=32,bytes=0xab12ab12...ab12ab12}'],
  ['a placeholder', 'undefined'],
  ['another placeholder', '(null)'],
  ['base64 of a device token', Buffer.from(token, 'hex').toString('base64')],
  ['a token of FCM', 'fJ3kLq9wTkm:APA91bH-x_Y2'],
  ['an odd number of digits', token.slice(1)],
  ['a prefix', `0x${token}`],
  ['a UUID', '4fd7cb5c-6a2e-4a0e-8d5a-1c1f6a3a9f10'],
  ['a quoted token', `"${token}"`],
  ['digits of another script', '٣٤'.repeat(32)],
  ['a line break behind it', `${token}\n`],
  ['nothing', ''],
])('%s is not a device token', (_, each) => {
  expect(apnsToken.tokenProblem(each)).toContain('in hexadecimal');
});

it('has the same normal form in any case', () => {
  const digits = fc
    .array(fc.constantFrom(...'0123456789abcdefABCDEF'), { minLength: 1 })
    .map((each) => each.join('').repeat(2));
  fc.assert(
    fc.property(digits, (one) => {
      const normal = apnsToken.normalToken(one);
      expect(apnsToken.normalToken(one.toUpperCase())).toBe(normal);
      expect(apnsToken.normalToken(normal)).toBe(normal);
      expect(Buffer.from(normal, 'hex')).toEqual(Buffer.from(one, 'hex'));
    }),
  );
});

it('leaves a text that is not a token unchanged', () => expect(apnsToken.normalToken('Undefined')).toBe('Undefined'));
