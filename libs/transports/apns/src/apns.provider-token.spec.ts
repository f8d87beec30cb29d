import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { jwtVerify } from 'jose';
import { providerToken } from './apns.provider-token';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const parts = { keyid: 'KEY0000001', teamid: 'TEAM000001', key: privateKey };
const minuteMs = 60_000;
const time = fc.integer({ min: Date.UTC(2020), max: Date.UTC(2100) });

it('has the header and the claims that Apple requires, according to an independent library', async () => {
  const now = Date.UTC(2026, 0, 5, 12, 0, 0);
  const { payload, protectedHeader } = await jwtVerify(providerToken(parts)(now), publicKey, {
    algorithms: ['ES256'],
    issuer: 'TEAM000001',
    currentDate: new Date(now),
  });
  expect(protectedHeader).toEqual({ alg: 'ES256', kid: 'KEY0000001' });
  expect(payload).toEqual({ iss: 'TEAM000001', iat: expect.any(Number) as number });
});

it('is at all times 5 to 45 minutes old', () => {
  const token = providerToken(parts);
  fc.assert(
    fc.property(time, (now) => {
      const { iat } = JSON.parse(Buffer.from(token(now).split('.')[1] ?? '', 'base64url').toString()) as {
        iat: number;
      };
      const ageMs = now - iat * 1000;
      expect(ageMs).toBeGreaterThanOrEqual(5 * minuteMs);
      expect(ageMs).toBeLessThan(45 * minuteMs);
    }),
  );
});

it('is the same in every process', () => {
  fc.assert(
    fc.property(time, (now) => {
      expect(providerToken(parts)(now)).toBe(providerToken(parts)(now));
    }),
    { numRuns: 20 },
  );
});

it('changes every 40 minutes and not in between', () => {
  const token = providerToken(parts);
  const start = Date.UTC(2026, 0, 5);
  const seen = new Set<string>();
  for (let minute = 0; minute < 400; minute++) seen.add(token(start + minute * minuteMs));
  expect(seen.size).toBe(11);
});

it('differs for another key, team or key id', () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const all = [parts, { ...parts, keyid: 'KEY0000002' }, { ...parts, teamid: 'TEAM000002' }, { ...parts, key: other }];
  expect(new Set(all.map((each) => providerToken(each)(0))).size).toBe(4);
});
