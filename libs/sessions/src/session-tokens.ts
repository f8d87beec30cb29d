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
  /** Of digests. Where an identity provider signs, no secret of ours is at hand, and it only tells one provider from another. */
  private readonly digestKey: Uint8Array;

  /** `key` is our secret, or where an identity provider publishes the keys of the tokens that it signs instead. */
  constructor(
    key: string | URL,
    private readonly ended: EndedSessions,
  ) {
    this.keys = typeof key === 'string' ? ownKeys(key) : providersKeys(key);
    this.digestKey = this.keys.secret ?? new TextEncoder().encode(String(key));
  }

  /**
   * Opens a session.
   *
   * @throws PnsError `SESSION_TTL_INVALID` for a time to live outside 1 s to `maxSessionTtlSeconds`,
   *   `SESSION_ISSUED_ELSEWHERE` where an identity provider signs
   */
  async issue(request: SessionRequest): Promise<Session & { readonly token: string }> {
    const { secret, advice } = this.keys;
    if (secret === undefined) {
      throw new PnsError(
        'SESSION_ISSUED_ELSEWHERE',
        `PNS_SESSION_JWKS_URL is set, so no token is made here; ${advice}.`,
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
   * The session a token stands for.
   *
   * @throws PnsError `SESSION_INVALID` for a token that nobody signed who may, `SESSION_ENDED` for one that expired or was
   *   ended, `SESSION_KEYS_UNREACHABLE` while an identity provider does not tell its keys
   */
  async verify(token: string): Promise<Session> {
    const session = await this.read(token);
    if ((await this.endedAmong([session])).length > 0) throw this.sessionEnded();
    return session;
  }

  /** As `verify`, but without asking whether the session was ended: for those who watch `onEnded` before they ask. */
  async read(token: string): Promise<Session> {
    try {
      const session = sessionOf(sessionClaims.parse(await this.keys.claims(token)));
      assertIssued(session);
      return session;
    } catch (cause) {
      if (cause instanceof PnsError) throw cause;
      if (cause instanceof errors.JWTExpired) throw this.sessionEnded(cause);
      throw new PnsError('SESSION_INVALID', `The session token is not a good one; ${this.keys.advice}.`, { cause });
    }
  }

  /** Whether this is the id of a session that we issued to a user of `context`. */
  isOf(context: number, id: string): boolean {
    const [uuid = ''] = id.split('.');
    const [own, given] = [Buffer.from(this.sealed(uuid, context)), Buffer.from(id)];
    return own.length === given.length && timingSafeEqual(own, given);
  }

  /** Ends a session, everywhere and at once; harmless for one that ended already or never was. */
  end(id: string): Promise<void> {
    return this.ended.add(id);
  }

  /** Ends every session that was issued to the owner until now, to the end of this second, everywhere and at once. */
  async endAllOf(owner: Owner): Promise<void> {
    const { context, user } = owner;
    const issuedUntil = Math.floor(Date.now() / 1000);
    await this.ended.addOwner(this.markOf(owner), { context, ...(user === undefined ? {} : { user }), issuedUntil });
  }

  /** Those that were ended. */
  endedAmong(sessions: readonly Session[]): Promise<Session[]> {
    return this.ended.among(sessions.map((session) => this.endingsOf(session)));
  }

  /**
   * Calls `listener` with each end from now on; the promise resolves once nothing can be missed. `open` names the
   * sessions that the listener cares for: after a lost connection to Redis they are looked up, so that one which ended
   * meanwhile is reported late rather than never. Answers the function that stops it.
   */
  onEnded(listener: (end: SessionEnd) => void, open: () => readonly Session[] = () => []): Promise<() => void> {
    return this.ended.watch(listener, () => open().map((session) => this.endingsOf(session)));
  }

  private endingsOf(session: Session): Endings {
    const { context } = session;
    return { session, owners: [this.markOf({ context }), this.markOf(session)] };
  }

  /** An id by which we, and nobody else, can tell the context of a session without keeping it. */
  private sealed(uuid: string, context: number): string {
    const seal = createHmac('sha256', this.digestKey).update(`session ${uuid} ${context}`).digest('base64url');
    return `${uuid}.${seal.slice(0, 22)}`;
  }

  /** What is kept of an owner whose sessions ended: it tells nobody whose they were who does not have our secret. */
  private markOf({ context, user }: Owner): string {
    const text = user === undefined ? `ended ${context}` : `ended ${context} ${user}`;
    return createHmac('sha256', this.digestKey).update(text).digest('base64url');
  }

  private sessionEnded(cause?: unknown): PnsError {
    return new PnsError('SESSION_ENDED', `The session has ended; ${this.keys.advice}.`, { cause });
  }
}

/** Ending all sessions of an owner ends those issued until then, so a token with a later `iat` would stay valid. */
function assertIssued({ issuedAt }: Session): void {
  if (issuedAt > Date.now() / 1000 + clockToleranceSeconds) throw new Error('iat is in the future');
}
