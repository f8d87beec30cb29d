import { createECDH } from 'node:crypto';
import fc from 'fast-check';
import { isAuthSecret, isPair, isPublicKey, newVapidKeys, normalKey } from './webpush.keys';

const base64 = (key: string) => Buffer.from(key, 'base64url').toString('base64');

it('a new pair consists of 65 and 32 bytes in base64url, and differs each time', () => {
  const pairs = Array.from({ length: 300 }, newVapidKeys);
  for (const { publicKey, privateKey } of pairs) {
    expect(publicKey).toMatch(/^B[\w-]{86}$/);
    expect(privateKey).toMatch(/^[\w-]{43}$/);
  }
  expect(new Set(pairs.map(({ privateKey }) => privateKey)).size).toBe(300);
});

it('a public key is an uncompressed point on the curve, in any spelling of its base64', () => {
  const { publicKey } = newVapidKeys();
  for (const key of [publicKey, base64(publicKey), `${publicKey}=`]) {
    expect([isPublicKey(key), normalKey(key)]).toEqual([true, publicKey]);
  }
});

it('a point with any changed bit is not a public key', () => {
  const key = Buffer.from(newVapidKeys().publicKey, 'base64url');
  fc.assert(
    fc.property(fc.nat(64), fc.nat(7), (at, bit) => {
      const changed = Buffer.from(key);
      changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      // Another x may have a point with this y, but only with a chance of 2^-256.
      expect(isPublicKey(changed.toString('base64url'))).toBe(false);
    }),
  );
});

it.each([
  ['a compressed point', createECDH('prime256v1').generateKeys('base64url', 'compressed')],
  ['a hybrid point', createECDH('prime256v1').generateKeys('base64url', 'hybrid')],
  ['a point of another curve', createECDH('secp256k1').generateKeys('base64url')],
  ['the point at infinity', Buffer.alloc(1).toString('base64url')],
  ['text that is not base64', '!'.repeat(87)],
  ['nothing', ''],
])('%s is not a public key', (_, key) => expect(isPublicKey(key)).toBe(false));

it('a private key belongs to one public key only', () => {
  const [one, other] = [newVapidKeys(), newVapidKeys()];
  expect(isPair(one)).toBe(true);
  expect(isPair({ ...one, publicKey: other.publicKey })).toBe(false);
  for (const privateKey of ['', 'A'.repeat(43), Buffer.alloc(32, 255).toString('base64url'), 'x']) {
    expect(isPair({ ...one, privateKey })).toBe(false);
  }
});

it('the shared secret of a browser has 16 bytes', () => {
  const secret = 'BTBZMqHH6r4Tts7J_aSIgg';
  expect([secret, `${secret}==`, base64(secret)].map(isAuthSecret)).toEqual([true, true, true]);
  expect(['', 'AAAA', secret.slice(1), `${secret}AA`, '!'.repeat(22)].map(isAuthSecret)).toEqual(Array(5).fill(false));
});
