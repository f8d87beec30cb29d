import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { PnsError } from '@pns/runtime';
import type { Owner } from '@pns/subscriptions';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { EndedSessions, Endings } from './ended-sessions';
import {
  defaultSessionTtlSeconds,
  maxSessionTtlSeconds,
  sessionClaims,
  sessionOf,
  type Session,
  type SessionEnd,
  type SessionRequest,
} from './session';

/** The one algorithm we sign with; naming it at verification keeps out `none` and whatever else a header claims. */
const algorithm = 'HS256';

/** Signs and verifies session tokens, and ends sessions. */
export class SessionTokens {
  private readonly key: Uint8Array;

  constructor(
    secret: string,
    private readonly ended: EndedSessions,
  ) {
    this.key = new TextEncoder().encode(secret);
  }

  /** Opens a session. @throws PnsError `SESSION_TTL_INVALID` for a time to live outside 1 s to `maxSessionTtlSeconds`. */
  async issue(request: SessionRequest): Promise<Session & { readonly token: string }> {
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
    const token = await new SignJWT(claims).setProtectedHeader({ alg: algorithm, typ: 'JWT' }).sign(this.key);
    return { ...sessionOf(claims), token };
  }

  /**
   * The session a token stands for.
   *
   * @throws PnsError `SESSION_INVALID` for a token that we did not sign, `SESSION_ENDED` for one that expired or was ended
   */
  async verify(token: string): Promise<Session> {
    const session = await this.read(token);
    if ((await this.endedAmong([session])).length > 0) throw sessionEnded();
    return session;
  }

  /** As `verify`, but without asking whether the session was ended: for those who watch `onEnded` before they ask. */
  async read(token: string): Promise<Session> {
    try {
      const { payload } = await jwtVerify(token, this.key, { algorithms: [algorithm] });
      return sessionOf(sessionClaims.parse(payload));
    } catch (cause) {
      if (cause instanceof errors.JWTExpired) throw sessionEnded(cause);
      throw new PnsError('SESSION_INVALID', 'The session token is not one of ours; ask POST /v1/sessions for one.', {
        cause,
      });
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
    const seal = createHmac('sha256', this.key).update(`session ${uuid} ${context}`).digest('base64url');
    return `${uuid}.${seal.slice(0, 22)}`;
  }

  /** What is kept of an owner whose sessions ended: it tells nobody whose they were who does not have our secret. */
  private markOf({ context, user }: Owner): string {
    const text = user === undefined ? `ended ${context}` : `ended ${context} ${user}`;
    return createHmac('sha256', this.key).update(text).digest('base64url');
  }
}

function sessionEnded(cause?: unknown): PnsError {
  return new PnsError('SESSION_ENDED', 'The session has ended; ask POST /v1/sessions for a new one.', { cause });
}
