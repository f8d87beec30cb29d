import { createECDH, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { decrypt } from 'http_ece';
import { encrypted, maxBodyBytes, maxContentBytes } from './webpush.encryption';

const bytes = (text: string) => Buffer.from(text, 'base64url');

/** RFC 8291, Appendix A. */
const example = {
  content: 'When I grow up, I want to be a watermelon',
  secrets: {
    privateKey: bytes('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw'),
    salt: bytes('DGv6ra1nlYgDCS1FRnbzlw'),
  },
  receiver: {
    privateKey: bytes('q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94'),
    p256dh: bytes('BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4'),
    auth: bytes('BTBZMqHH6r4Tts7J_aSIgg'),
  },
  body:
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_' +
    'yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
};

function receiver() {
  const pair = createECDH('prime256v1');
  return { p256dh: pair.generateKeys(), privateKey: pair, auth: randomBytes(16) };
}

const opened = (body: Buffer, { privateKey, auth }: ReturnType<typeof receiver>) =>
  decrypt(body, { version: 'aes128gcm', privateKey, authSecret: auth });

describe('the encryption of a push message', () => {
  it('gives the body of the example in RFC 8291', () => {
    const { content, receiver: keys, secrets, body } = example;
    expect(encrypted(content, keys, secrets).toString('base64url')).toBe(body);
  });

  it('can be decrypted by http_ece, for 1,000 random contents', () => {
    const keys = receiver();
    const content = fc.uint8Array({ maxLength: maxContentBytes, size: 'max' });
    fc.assert(
      fc.property(content, (given) => {
        const body = encrypted(Buffer.from(given), keys);
        expect(body.length).toBeLessThanOrEqual(maxBodyBytes);
        expect(opened(body, keys).equals(Buffer.from(given))).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('has other keys in every message', () => {
    const keys = receiver();
    const [one, other] = [encrypted('same', keys), encrypted('same', keys)];
    expect(one.subarray(0, 16).equals(other.subarray(0, 16))).toBe(false);
    expect(one.subarray(21, 86).equals(other.subarray(21, 86))).toBe(false);
  });

  it('fills the limit of RFC 8291 exactly with the longest content', () => {
    const keys = receiver();
    const content = Buffer.alloc(maxContentBytes, 'a');
    const body = encrypted(content, keys);
    expect(body).toHaveLength(4096);
    expect(opened(body, keys).equals(content)).toBe(true);
  });
});
