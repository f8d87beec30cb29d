import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWK } from 'jose';
import { connectRedis, KeySpace, type RedisClient } from '@pns/redis';
import { EndedSessions } from './ended-sessions';
import { maxSessionTtlSeconds } from './session';
import { SessionTokens } from './session-tokens';

const user = { context: 1, user: 14 };
const keyId = 'key-of-today';

let redis: RedisClient;
let ended: EndedSessions;
let provider: Server;
let url: URL;
let published: JWK;
let privateKey: CryptoKey;
let isAway = false;
let fetches = 0;
let tokens: SessionTokens;

beforeAll(async () => {
  const pair = await generateKeyPair('ES256', { extractable: true });
  privateKey = pair.privateKey;
  published = { ...(await exportJWK(pair.publicKey)), kid: keyId, alg: 'ES256', use: 'sig' };
  provider = createServer((_, response) => {
    fetches++;
    if (isAway) return response.writeHead(503).end();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [published] }));
  }).listen(0, '127.0.0.1');
  await once(provider, 'listening');
  url = new URL(`http://127.0.0.1:${(provider.address() as AddressInfo).port}/keys`);
});

beforeEach(async () => {
  redis = connectRedis(testRedisUrl(), { failFast: true });
  await once(redis, 'ready');
  ended = new EndedSessions(redis, new KeySpace(1, freshPrefix()));
  tokens = new SessionTokens(url, ended);
});

afterEach(() => {
  ended.close();
  redis.disconnect();
});

afterAll(() => provider.close());

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
const whole = () => ({ jti: 'a', iat: inSeconds(0), exp: inSeconds(60), iss: 'https://id.example.com', ...user });
const signed = (claims: Record<string, unknown>, header = { alg: 'ES256', kid: keyId }, by = privateKey) =>
  new SignJWT(claims).setProtectedHeader(header).sign(by);

describe('a token of an identity provider', () => {
  it('identifies its user, and its keys are fetched once', async () => {
    const claims = { ...whole(), client: 'open-xchange-appsuite' };
    const before = fetches;
    const { iat: issuedAt, exp } = claims;
    const expiresAt = new Date(exp * 1000).toISOString();
    const session = { id: 'a', ...user, client: claims.client, issuedAt, expiresAt };
    await expect(tokens.verify(await signed(claims))).resolves.toEqual(session);
    await expect(tokens.verify(await signed(claims))).resolves.toEqual(session);
    expect(fetches).toBe(before + 1);
  });

  it('is refused after the end of its session, and of all sessions of its user', async () => {
    const [one, other] = [await signed(whole()), await signed({ ...whole(), jti: 'b' })];
    await tokens.end('a');
    await expect(tokens.verify(one)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    await expect(tokens.verify(other)).resolves.toMatchObject({ id: 'b' });
    await new SessionTokens(url, ended).endAllOf(user);
    await expect(tokens.verify(other)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
  });

  it('is valid at most as long as an ended session is stored', async () => {
    const iat = inSeconds(-60);
    const { expiresAt } = await tokens.verify(await signed({ ...whole(), iat, exp: inSeconds(1e7) }));
    expect(Date.parse(expiresAt) / 1000).toBe(iat + maxSessionTtlSeconds);
    const old = await signed({ ...whole(), iat: inSeconds(-maxSessionTtlSeconds - 60), exp: inSeconds(1e7) });
    await expect(tokens.verify(old)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
  });

  const withItsPublicKey = () => new TextEncoder().encode(JSON.stringify(published));
  it.each<[string, () => Promise<string> | string, string]>([
    ['of another key', async () => signed(whole(), undefined, (await generateKeyPair('ES256')).privateKey), 'INVALID'],
    ['of a key that is not published', () => signed(whole(), { alg: 'ES256', kid: 'key-of-nobody' }), 'INVALID'],
    [
      'signed with the public key',
      () => new SignJWT(whole()).setProtectedHeader({ alg: 'HS256', kid: keyId }).sign(withItsPublicKey()),
      'INVALID',
    ],
    ['without a signature', () => new UnsecuredJWT(whole()).encode(), 'INVALID'],
    ['without an id', () => signed({ ...whole(), jti: undefined }), 'INVALID'],
    ['of an id with a blank', () => signed({ ...whole(), jti: 'a b' }), 'INVALID'],
    ['of an id beyond ASCII', () => signed({ ...whole(), jti: 'ä' }), 'INVALID'],
    ['without a beginning', () => signed({ ...whole(), iat: undefined }), 'INVALID'],
    ['issued a minute from now', () => signed({ ...whole(), iat: inSeconds(60), exp: inSeconds(600) }), 'INVALID'],
    ['issued in milliseconds', () => signed({ ...whole(), iat: Date.now() }), 'INVALID'],
    ['without an end', () => signed({ ...whole(), exp: undefined }), 'INVALID'],
    ['without a context', () => signed({ ...whole(), context: undefined }), 'INVALID'],
    ['of a user in words', () => signed({ ...whole(), user: '14' }), 'INVALID'],
    ['of a user beyond the database', () => signed({ ...whole(), user: 2 ** 31 }), 'INVALID'],
    ['of a context beyond the database', () => signed({ ...whole(), context: 2 ** 31 }), 'INVALID'],
    ['of a user beyond all integers', () => signed({ ...whole(), user: 2 ** 53 }), 'INVALID'],
    ['that expired', () => signed({ ...whole(), exp: inSeconds(-60) }), 'ENDED'],
  ])('%s is refused', async (_, token, code) => {
    await expect(tokens.verify(await token())).rejects.toMatchObject({ name: 'PnsError', code: `SESSION_${code}` });
  });

  it('is answered with another code than an invalid token while the keys cannot be fetched', async () => {
    const token = await signed(whole());
    isAway = true;
    await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'SESSION_KEYS_UNREACHABLE' });
    isAway = false;
    await expect(tokens.verify(token)).resolves.toMatchObject(user);
  });

  it('is not issued by PNS', async () => {
    await expect(tokens.issue(user)).rejects.toMatchObject({ code: 'SESSION_ISSUED_ELSEWHERE' });
  });
});
