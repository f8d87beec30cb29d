import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Seal } from './seal';

const [older, newer] = [randomBytes(32), randomBytes(32)];
const seal = new Seal([older]);

it('decrypts an encrypted secret, and the result of the encryption does not contain it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, place) => {
      const sealed = seal.seal(text, place);
      expect(seal.open(sealed, place)).toBe(text);
      if (text.length > 3) expect(sealed.includes(text)).toBe(false);
    }),
  );
});

it('encrypts the same secret differently each time', () => {
  expect(seal.seal('secret', 'a').equals(seal.seal('secret', 'a'))).toBe(false);
});

it('decrypts with an older key after the first, and encrypts with the first', () => {
  const rotated = new Seal([newer, older]);
  expect(rotated.open(seal.seal('secret', 'a'), 'a')).toBe('secret');
  expect(new Seal([newer]).open(rotated.seal('secret', 'a'), 'a')).toBe('secret');
});

it.each([
  ['a key that is not there', () => new Seal([newer]).open(seal.seal('secret', 'a'), 'a'), 'ENCRYPTION_KEY_MISSING'],
  ['no key at all', () => new Seal([]).seal('secret', 'a'), 'ENCRYPTION_KEY_MISSING'],
  ['another row', () => seal.open(seal.seal('secret', 'a'), 'b'), 'SECRET_UNREADABLE'],
])('refuses %s', (_, act, code) => {
  expect(act).toThrow(expect.objectContaining({ code }) as Error);
});

it('refuses a secret with any altered byte', () => {
  const sealed = seal.seal('secret', 'a');
  for (let at = 1; at < sealed.length; at++) {
    const altered = Buffer.from(sealed);
    altered[at] = (altered[at] ?? 0) ^ 1;
    expect(() => seal.open(altered, 'a')).toThrow(/altered|PNS_ENCRYPTION_KEY/);
  }
  expect(() => seal.open(Buffer.alloc(0), 'a')).toThrow(/PNS_ENCRYPTION_KEY/);
});
