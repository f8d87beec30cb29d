import { createECDH, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { generateRequestDetails, generateVAPIDKeys } from 'web-push';
import { codingFault, decrypted, headerBytes, newSubscriptionKeys, type SubscriptionKeys } from './message-encryption';

const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');

describe('the example of RFC 8291, section 5', () => {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(bytes('q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94'));
  const keys = { ecdh, p256dh: ecdh.getPublicKey(), auth: bytes('BTBZMqHH6r4Tts7J_aSIgg') };
  const body = bytes(
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
  );

  it('is decrypted', () => {
    expect(codingFault(body)).toBeUndefined();
    expect(decrypted(body, keys).toString()).toBe('When I grow up, I want to be a watermelon');
  });

  it('is refused after any change of a byte', () => {
    const change = fc.tuple(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(change, ([index, mask]) => {
        const changed = Buffer.from(body);
        changed[index] = (changed[index] ?? 0) ^ mask;
        // The record size is not authenticated, so a body with a changed but valid record size is decrypted.
        if (index >= 16 && index < 20 && codingFault(changed) === undefined) return;
        expect(() => decrypted(changed, keys)).toThrow();
      }),
    );
  });
});

/** The body of a message that the library web-push encrypts. */
function encrypted(text: string, keys: SubscriptionKeys): Buffer {
  const { publicKey, privateKey } = generateVAPIDKeys();
  const subscription = {
    endpoint: 'https://push.example.com/1',
    keys: { p256dh: keys.p256dh.toString('base64url'), auth: keys.auth.toString('base64url') },
  };
  const vapidDetails = { subject: 'mailto:push@example.com', publicKey, privateKey };
  return generateRequestDetails(subscription, text, { vapidDetails, contentEncoding: 'aes128gcm' }).body;
}

it('any text that web-push encrypts is decrypted', () => {
  const keys = newSubscriptionKeys();
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 900 }), (text) => {
      const body = encrypted(text, keys);
      expect(codingFault(body)).toBeUndefined();
      expect(decrypted(body, keys).toString()).toBe(text);
    }),
    { numRuns: 50 },
  );
});

it('a message for another subscription is refused', () => {
  const [one, other] = [newSubscriptionKeys(), newSubscriptionKeys()];
  expect(() => decrypted(encrypted('text', one), other)).toThrow();
  expect(() => decrypted(encrypted('text', one), { ...one, auth: other.auth })).toThrow();
});

it.each<[string, (body: Buffer) => Buffer]>([
  ['is empty', () => Buffer.alloc(0)],
  ['has no record', (body) => body.subarray(0, headerBytes)],
  ['has no byte of padding', (body) => body.subarray(0, headerBytes + 16)],
  ['has no key id', (body) => (body.writeUInt8(0, 20), body)],
  ['has a compressed key', (body) => (body.writeUInt8(2, 21), body)],
  ['has a record size of 17', (body) => (body.writeUInt32BE(17, 16), body)],
  ['has several records', (body) => (body.writeUInt32BE(18, 16), body)],
])('a body that %s is refused without a key', (_, change) => {
  const keys = newSubscriptionKeys();
  const body = change(encrypted('a longer text', keys));
  expect(codingFault(body)).toBeTruthy();
  expect(() => decrypted(body, keys)).toThrow();
});

it('a sender’s key that is not on the curve is refused', () => {
  const keys = newSubscriptionKeys();
  const body = encrypted('text', keys);
  randomBytes(64).copy(body, 22);
  expect(codingFault(body)).toBeUndefined();
  expect(() => decrypted(body, keys)).toThrow();
});
