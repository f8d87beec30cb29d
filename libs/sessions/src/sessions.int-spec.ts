import { EventEmitter, once } from 'node:events';
import { cuttableLink, freshPrefix, testRedisUrl, type CuttableLink } from '@pns/local-servers';
import { SignJWT, UnsecuredJWT } from 'jose';
import { connectRedis, KeySpace, type RedisClient } from '@pns/redis';
import { EndedSessions } from './ended-sessions';
import { maxSessionTtlSeconds, type Session, type SessionEnd } from './session';
import { SessionTokens } from './session-tokens';

const secret = 'a secret of these tests';
const user = { context: 1, user: 14 };

let keys: KeySpace;
let link: CuttableLink;
let near: { redis: RedisClient; ended: EndedSessions; tokens: SessionTokens };
let far: { redis: RedisClient; ended: EndedSessions; tokens: SessionTokens };

async function processAt(url: string) {
  const redis = connectRedis(url, { failFast: true });
  await once(redis, 'ready');
  const ended = new EndedSessions(redis, keys);
  return { redis, ended, tokens: new SessionTokens(secret, ended) };
}

beforeEach(async () => {
  keys = new KeySpace(8, freshPrefix());
  link = await cuttableLink(testRedisUrl());
  near = await processAt(link.url);
  far = await processAt(testRedisUrl());
});

afterEach(async () => {
  for (const { redis, ended } of [near, far]) {
    ended.close();
    redis.disconnect();
  }
  await link.close();
});

/** Listens on `tokens`; returns a function that waits for `count` ends and resolves with all ends so far. */
async function listening(tokens: SessionTokens, open?: () => Session[]) {
  const ends: SessionEnd[] = [];
  const news = new EventEmitter();
  await tokens.onEnded((end) => {
    ends.push(end);
    news.emit('end');
  }, open);
  return async (count: number): Promise<SessionEnd[]> => {
    while (ends.length < count) await once(news, 'end');
    return ends;
  };
}

function session(id: string, more: Partial<Session> = {}): Session {
  return { id, ...user, issuedAt: 1, expiresAt: new Date(Date.now() + 60_000).toISOString(), ...more };
}

describe('a session token', () => {
  it('identifies its user and its expiry in every process', async () => {
    const from = Math.floor(Date.now() / 1000);
    const issued = await near.tokens.issue({ ...user, client: 'open-xchange-appsuite', ttlSeconds: 60 });
    const to = Math.floor(Date.now() / 1000);
    const { token, ...told } = issued;
    await expect(far.tokens.verify(token)).resolves.toEqual(told);
    const { id, issuedAt, expiresAt } = issued;
    expect(told).toEqual({ id, ...user, client: 'open-xchange-appsuite', issuedAt, expiresAt });
    expect(Date.parse(expiresAt)).toBe((issuedAt + 60) * 1000);
    expect(issuedAt).toBeGreaterThanOrEqual(from);
    expect(issuedAt).toBeLessThanOrEqual(to);
  });

  it('may contain times with fractions of seconds (RFC 7519)', async () => {
    const [now, end] = [soon() - 60.5, soon() + 0.5];
    const { expiresAt } = await near.tokens.verify(await signed({ ...whole(), iat: now, exp: end }));
    expect(Date.parse(expiresAt)).toBe(Math.floor(end) * 1000);
  });

  it('is valid for any client unless it names one', async () => {
    const { token } = await near.tokens.issue(user);
    await expect(near.tokens.verify(token)).resolves.not.toHaveProperty('client');
  });

  const key = (text: string): Uint8Array => new TextEncoder().encode(text);
  const soon = () => Math.floor(Date.now() / 1000) + 60;
  const signed = (claims: Record<string, unknown>, header = { alg: 'HS256' }, by = secret): Promise<string> =>
    new SignJWT(claims).setProtectedHeader(header).sign(key(by));
  const whole = () => ({ jti: 'a', exp: soon(), ...user });

  it.each<[string, () => Promise<string> | string, string]>([
    ['of another secret', () => signed(whole(), undefined, 'a secret of somebody else'), 'SESSION_INVALID'],
    ['of another algorithm', () => signed(whole(), { alg: 'HS512' }), 'SESSION_INVALID'],
    ['without a signature', () => new UnsecuredJWT(whole()).encode(), 'SESSION_INVALID'],
    ['with a changed user', async () => forged(await signed(whole())), 'SESSION_INVALID'],
    ['without an end', () => signed({ ...whole(), exp: undefined }), 'SESSION_INVALID'],
    ['without an id', () => signed({ ...whole(), jti: undefined }), 'SESSION_INVALID'],
    ['of a user that is none', () => signed({ ...whole(), user: 0 }), 'SESSION_INVALID'],
    ['of a user in words', () => signed({ ...whole(), user: '14' }), 'SESSION_INVALID'],
    ['with an end that no date can hold', () => signed({ ...whole(), exp: 9e15 }), 'SESSION_INVALID'],
    ['issued a minute from now', () => signed({ ...whole(), iat: soon() }), 'SESSION_INVALID'],
    ['issued ten seconds from now', () => signed({ ...whole(), iat: soon() - 50 }), 'SESSION_INVALID'],
    ['issued a fraction beyond the tolerance', () => signed({ ...whole(), iat: soon() - 53.5 }), 'SESSION_INVALID'],
    ['issued in milliseconds', () => signed({ ...whole(), iat: Date.now() }), 'SESSION_INVALID'],
    ['issued at the end of all numbers', () => signed({ ...whole(), iat: 1e300 }), 'SESSION_INVALID'],
    ['that is not a token', () => 'XYZ', 'SESSION_INVALID'],
    ['that is empty', () => '', 'SESSION_INVALID'],
    ['that expired', () => signed({ ...whole(), exp: Math.floor(Date.now() / 1000) - 1 }), 'SESSION_ENDED'],
  ])('%s is refused', async (_, token, code) => {
    await expect(near.tokens.verify(await token())).rejects.toMatchObject({ name: 'PnsError', code });
  });

  function forged(token: string): string {
    const [header, , signature] = token.split('.');
    const claims = Buffer.from(JSON.stringify({ ...whole(), user: 15 })).toString('base64url');
    return [header, claims, signature].join('.');
  }

  it.each([0, -1, 1.5, Number.NaN, maxSessionTtlSeconds + 1])('cannot be issued for %d seconds', async (ttlSeconds) => {
    await expect(near.tokens.issue({ ...user, ttlSeconds })).rejects.toMatchObject({ code: 'SESSION_TTL_INVALID' });
  });
});

describe('an ended session', () => {
  it('is refused in every process, and other sessions are not', async () => {
    const [one, other] = await Promise.all([near.tokens.issue(user), near.tokens.issue(user)]);
    await near.tokens.end(one.id);
    await near.tokens.end(one.id);
    await expect(far.tokens.verify(one.token)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    await expect(far.tokens.verify(other.token)).resolves.toMatchObject({ id: other.id });
  });

  it('is found among thousands of ended sessions', async () => {
    const sessions = Array.from({ length: 2500 }, (_, index) => session(`session-${index}`));
    await Promise.all([near.tokens.end('session-3'), near.tokens.end('session-2499')]);
    await expect(far.tokens.endedAmong(sessions)).resolves.toEqual([sessions[3], sessions[2499]]);
    await expect(far.tokens.endedAmong([])).resolves.toEqual([]);
  });

  it('is deleted when no token of the session can be valid any more', async () => {
    await near.redis.zadd(keys.global('sessions:ended'), Date.now() - 1, 'old');
    await near.tokens.end('new');
    await expect(far.tokens.endedAmong([session('old'), session('new')])).resolves.toMatchObject([{ id: 'new' }]);
  });

  it('is announced to every process at once', async () => {
    const heard = await listening(near.tokens);
    await far.tokens.end('a');
    await expect(heard(1)).resolves.toEqual([{ id: 'a' }]);
  });

  it('is reported after the reconnect if it ended while this process could not reach Redis', async () => {
    const other = session('o', { user: 15 });
    const heard = await listening(near.tokens, () => [session('a', { user: 13 }), session('b', { user: 13 }), other]);
    link.cut();
    await far.tokens.end('b');
    await far.tokens.end('of nobody here');
    await far.tokens.endAllOf({ context: 1, user: 15 });
    link.mend();
    await expect(heard(2)).resolves.toEqual([{ id: 'b' }, { id: 'o' }]);
    await far.tokens.end('c'); // later ends are reported at once again
    await expect(heard(3)).resolves.toEqual([{ id: 'b' }, { id: 'o' }, { id: 'c' }]);
  });
});

describe('when all sessions of an owner are ended', () => {
  const key = new TextEncoder().encode(secret);
  const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
  const issued = (holder: object, iat?: number): Promise<string> =>
    new SignJWT({ jti: 'j', exp: inSeconds(600), ...holder, ...(iat === undefined ? {} : { iat }) })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(key);

  it.each([
    ['a user', { context: 1, user: 14 }, { context: 1, user: 14 }, true],
    ['a user', { context: 1, user: 14 }, { context: 1, user: 15 }, false],
    ['a user', { context: 1, user: 14 }, { context: 11, user: 4 }, false],
    ['a context', { context: 1 }, { context: 1, user: 15 }, true],
    ['a context', { context: 1 }, { context: 2, user: 14 }, false],
  ])('%s %j: the one of %j is: %s', async (_, owner, holder, expected) => {
    const tokens = [await issued(holder, inSeconds(-60)), await issued(holder)];
    await near.tokens.endAllOf(owner);
    for (const token of tokens) {
      const verified = far.tokens.verify(token);
      if (expected) await expect(verified).rejects.toMatchObject({ code: 'SESSION_ENDED' });
      else await expect(verified).resolves.toMatchObject(holder);
    }
  });

  it('a session that is issued later is valid', async () => {
    await near.tokens.endAllOf(user);
    await expect(far.tokens.verify(await issued(user, inSeconds(2)))).resolves.toMatchObject(user);
  });

  it('every process is informed at once, and the stored marks identify no user', async () => {
    const heard = await listening(near.tokens);
    await far.tokens.endAllOf({ context: 710_001, user: 910_002 });
    await far.tokens.endAllOf({ context: 710_001 });
    const issuedUntil = expect.any(Number) as number;
    await expect(heard(2)).resolves.toEqual([
      { context: 710_001, user: 910_002, issuedUntil },
      { context: 710_001, issuedUntil },
    ]);
    const kept = await near.redis.zrange(keys.global('sessions:ended:owners'), 0, -1);
    expect(kept).toHaveLength(2);
    for (const mark of kept) expect(mark).toMatch(/^[\w-]{43}$/);
  });
});

it('rejects at once while Redis is not reachable, so that no ended session is accepted', async () => {
  const { token } = await near.tokens.issue(user);
  link.cut();
  await expect(near.tokens.verify(token)).rejects.not.toMatchObject({ name: 'PnsError' });
  link.mend();
  await once(near.redis, 'ready');
});
