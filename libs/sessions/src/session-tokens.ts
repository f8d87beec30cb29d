import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { PnsError } from '@pns/runtime';
import type { Owner } from '@pns/subscriptions';
import { errors, SignJWT } from 'jose';
import type { EndedSessions, Endings } from './ended-sessions';
import {
  clockToleranceSeconds,
  defaultSessionTtlSeconds,
  maxSessionTtlSeconds,
  sessionClaims,
  sessionOf,
  type Session,
  type SessionEnd,
  type SessionRequest,
} from './session';
import { ownAlgorithm, ownKeys, providersKeys, type TokenKeys } from './token-keys';

/** Signs and verifies session tokens, and ends sessions. */
export class SessionTokens {
  private readonly keys: TokenKeys;
  /** The key of digests: the own secret, or the URL of an identity provider, which is no secret but distinguishes providers. */
  private readonly digestKey: Uint8Array;

  /** `key` is the own secret, or the URL of the keys of an identity provider that signs the tokens instead. */
  constructor(
    key: string | URL,
    private readonly ended: EndedSessions,
  ) {
    this.keys = typeof key === 'string' ? ownKeys(key) : providersKeys(key);
    this.digestKey = this.keys.secret ?? new TextEncoder().encode(String(key));
  }

  /**
   * Issues a session.
   *
   * @throws PnsError `SESSION_TTL_INVALID` for a time to live outside 1 s to `maxSessionTtlSeconds`,
   *   `SESSION_ISSUED_ELSEWHERE` where an identity provider signs the tokens
   */
  async issue(request: SessionRequest): Promise<Session & { readonly token: string }> {
    const { secret, advice } = this.keys;
    if (secret === undefined) {
      throw new PnsError(
        'SESSION_ISSUED_ELSEWHERE',
        `PNS_SESSION_JWKS_URL is set, so PNS issues no tokens; ${advice}.`,
      );
    }
    const { context, user, client, ttlSeconds = defaultSessionTtlSeconds } = request;
    if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > maxSessionTtlSeconds) {
      throw new PnsError('SESSION_TTL_INVALID', `ttlSeconds must be an integer from 1 to ${maxSessionTtlSeconds}.`);
    }
    const issuedAt = Math.floor(Date.now() / 1000);
    const exp = issuedAt + ttlSeconds;
    const claims = {
      jti: this.sealed(randomUUID(), context),
      exp,
      iat: issuedAt,
      context,
      user,
      ...(client ? { client } : {}),
    };
    const token = await new SignJWT(claims).setProtectedHeader({ alg: ownAlgorithm, typ: 'JWT' }).sign(secret);
    return { ...sessionOf(claims), token };
  }

  /**
   * The session of a token.
   *
   * @throws PnsError `SESSION_INVALID` for a token without a valid signature or claims, `SESSION_ENDED` for a token that expired or
   *   was ended, `SESSION_KEYS_UNREACHABLE` while the keys of the identity provider cannot be fetched
   */
  async verify(token: string): Promise<Session> {
    const session = await this.read(token);
    if ((await this.endedAmong([session])).length > 0) throw this.sessionEnded();
    return session;
  }

  /**
   * Does the same as `verify`, but does not check whether the session was ended, for callers that already listen with `onEnded`.
   */
  async read(token: string): Promise<Session> {
    try {
      const session = sessionOf(sessionClaims.parse(await this.keys.claims(token)));
      assertIssued(session);
      return session;
    } catch (cause) {
      if (cause instanceof PnsError) throw cause;
      if (cause instanceof errors.JWTExpired) throw this.sessionEnded(cause);
      throw new PnsError('SESSION_INVALID', `The session token is not valid; ${this.keys.advice}.`, { cause });
    }
  }

  /** Whether `id` belongs to a session that PNS issued to a user of `context`. */
  isOf(context: number, id: string): boolean {
    const [uuid = ''] = id.split('.');
    const [own, given] = [Buffer.from(this.sealed(uuid, context)), Buffer.from(id)];
    return own.length === given.length && timingSafeEqual(own, given);
  }

  /** Ends a session in every process at once. Also allowed for an ended or unknown session. */
  end(id: string): Promise<void> {
    return this.ended.add(id);
  }

  /** Ends every session of the owner that was issued until the end of this second, in every process at once. */
  async endAllOf(owner: Owner): Promise<void> {
    const { context, user } = owner;
    const issuedUntil = Math.floor(Date.now() / 1000);
    await this.ended.addOwner(this.markOf(owner), { context, ...(user === undefined ? {} : { user }), issuedUntil });
  }

  /** The sessions of `sessions` that were ended. */
  endedAmong(sessions: readonly Session[]): Promise<Session[]> {
    return this.ended.among(sessions.map((session) => this.endingsOf(session)));
  }

  /**
   * Calls `listener` with each end. The promise resolves when no end can be missed any more, with a function that removes the
   * listener. `open` returns the sessions of interest: after a lost connection to Redis they are looked up, and ends during the
   * interruption are reported.
   */
  onEnded(listener: (end: SessionEnd) => void, open: () => readonly Session[] = () => []): Promise<() => void> {
    return this.ended.watch(listener, () => open().map((session) => this.endingsOf(session)));
  }

  private endingsOf(session: Session): Endings {
    const { context } = session;
    return { session, owners: [this.markOf({ context }), this.markOf(session)] };
  }

  /** A session id with a digest of the context, so that `isOf` can check the context without a lookup. */
  private sealed(uuid: string, context: number): string {
    const seal = createHmac('sha256', this.digestKey).update(`session ${uuid} ${context}`).digest('base64url');
    return `${uuid}.${seal.slice(0, 22)}`;
  }

  /** The mark of an owner whose sessions ended. Without the secret it does not identify the owner. */
  private markOf({ context, user }: Owner): string {
    const text = user === undefined ? `ended ${context}` : `ended ${context} ${user}`;
    return createHmac('sha256', this.digestKey).update(text).digest('base64url');
  }

  private sessionEnded(cause?: unknown): PnsError {
    return new PnsError('SESSION_ENDED', `The session has ended; ${this.keys.advice}.`, { cause });
  }
}

/** Throws for an `iat` in the future: `endAllOf` ends sessions issued until now, so such a token would stay valid. */
function assertIssued({ issuedAt }: Session): void {
  if (issuedAt > Date.now() / 1000 + clockToleranceSeconds) throw new Error('iat is in the future');
}
