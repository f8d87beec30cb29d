import { createPublicKey } from 'node:crypto';
import { jwtVerify } from 'jose';
import { isPair, newVapidKeys, type VapidKeys } from './webpush.keys';
import { VapidTokens } from './webpush.vapid';

const [origin, subject] = ['https://push.example.com', 'mailto:ops@example.com'];
const hourMs = 3_600_000;

/** Verifies a header as a push service does, and returns the claims and the public key. */
async function verified(header: string, now: number) {
  const [, token = '', key = ''] = /^vapid t=([^,]+), k=([A-Za-z0-9_-]+)$/.exec(header) ?? [];
  const point = Buffer.from(key, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  const options = { algorithms: ['ES256'], audience: origin, currentDate: new Date(now) };
  const { payload, protectedHeader } = await jwtVerify(token, publicKey, options);
  expect(protectedHeader).toEqual({ typ: 'JWT', alg: 'ES256' });
  return { payload, key };
}

describe('the Authorization header of VAPID', () => {
  let now: number;
  let tokens: VapidTokens;
  let keys: VapidKeys;

  beforeEach(() => {
    now = Date.UTC(2026, 10, 29);
    tokens = new VapidTokens(() => now);
    keys = newVapidKeys();
  });

  it('names the origin, the subject and an end within 24 hours, and jose verifies its signature', async () => {
    const { payload, key } = await verified(await tokens.header(keys, origin, subject), now);
    expect(payload).toEqual({ aud: origin, sub: subject, exp: now / 1000 + 12 * 3600 });
    expect(key).toBe(keys.publicKey);
  });

  it('has no subject if none is configured', async () => {
    const { payload } = await verified(await tokens.header(keys, origin, undefined), now);
    expect(payload).not.toHaveProperty('sub');
  });

  it('is made once for an origin, a key and a subject, and again before it expires', async () => {
    const first = await tokens.header(keys, origin, subject);
    now += 6 * hourMs - 1;
    expect(await tokens.header(keys, origin, subject)).toBe(first);
    now += 1;
    const second = await tokens.header(keys, origin, subject);
    expect(second).not.toBe(first);
    expect((await verified(second, now)).payload.exp).toBe(now / 1000 + 12 * 3600);
  });

  it('differs between origins, keys and subjects', async () => {
    const headers = await Promise.all([
      tokens.header(keys, origin, subject),
      tokens.header(keys, 'https://other.example.com', subject),
      tokens.header(newVapidKeys(), origin, subject),
      tokens.header(keys, origin, 'https://example.com/contact'),
    ]);
    expect(new Set(headers).size).toBe(4);
  });

  it('can be signed with each of a thousand new pairs of keys', () => {
    for (let i = 0; i < 1000; i++) expect(isPair(newVapidKeys())).toBe(true);
  });
});
