import fc from 'fast-check';
import { loginKey } from './login-key';

const decomposed = 'ju\u0308rgen@example.com';

it.each([
  ['jürgen@example.com', decomposed],
  ['jürgen@example.com', 'JÜRGEN@EXAMPLE.COM'],
  ['jürgen@example.com', 'JU\u0308RGEN@example.com'],
  ['한글@example.com', '한글@example.com'.normalize('NFD')],
  ['å@example.com', '\u212b@example.com'], // the sign of the unit angstrom
])('%j and %j are one login', (one, other) => {
  expect(loginKey(other)).toBe(loginKey(one));
});

it.each([
  ['jurgen@example.com', 'jürgen@example.com'],
  ['ilker', 'ılker'],
  ['ﬁ', 'fi'],
])('%j and %j are two logins', (one, other) => {
  expect(loginKey(other)).not.toBe(loginKey(one));
});

it('is the same for every form of a login, and for itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (login) => {
      const key = loginKey(login);
      expect(loginKey(key)).toBe(key);
      expect(loginKey(login.normalize('NFD'))).toBe(key);
      expect(loginKey(login.toLowerCase())).toBe(key);
    }),
  );
});
