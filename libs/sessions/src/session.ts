import { isOwnedBy, type Owner } from '@pns/subscriptions';
import { z } from 'zod';

/** The content of a session token: the user, and the time of expiry. */
export interface Session {
  readonly id: string;
  readonly context: number;
  readonly user: number;
  /** The only client that may open sockets with the session. If it is absent, any client may open sockets. */
  readonly client?: string;
  /** The time of issue, in seconds since the epoch; 0 for a token without `iat`. */
  readonly issuedAt: number;
  /** ISO 8601, UTC. */
  readonly expiresAt: string;
}

/** The end of one session, or of all sessions of the owner issued until `issuedUntil` (in seconds since the epoch, inclusive). */
export type SessionEnd = { readonly id: string } | (Owner & { readonly issuedUntil: number });

/** Whether `end` ends the session. */
export function isEndOf(end: SessionEnd, session: Session): boolean {
  return 'id' in end ? end.id === session.id : isOwnedBy(session, end) && session.issuedAt <= end.issuedUntil;
}

/** The values of a new session. */
export interface SessionRequest {
  readonly context: number;
  readonly user: number;
  readonly client?: string;
  readonly ttlSeconds?: number;
}

/** Default time to live of a session, in seconds: the session lifetime of the original. */
export const defaultSessionTtlSeconds = 3600;

/** Longest time to live of a session, in seconds. An ended session is stored for this time, because its token may still be valid. */
export const maxSessionTtlSeconds = 7 * 24 * 3600;

/** The syntax of every session id. An id must fit into the path of the request that ends the session. */
export const sessionIdSyntax = /^[\x21-\x7e]{1,128}$/;

/** Clocks of other nodes and of an identity provider may be ahead by this time, in s. */
export const clockToleranceSeconds = 5;

const positive = z.number().int().positive();

/** RFC 7519, 2: a date in a token may contain a fraction of a second. A date that JavaScript cannot represent is refused. */
const numericDate = z.number().positive().max(8_640_000_000_000).transform(Math.floor);

/** Ids are 32-bit integers in Postgres, so no user has a larger one. */
const id = positive.max(2_147_483_647);

/** The claims that PNS uses. Other claims of a provider are ignored. */
export const sessionClaims = z.object({
  jti: z.string().regex(sessionIdSyntax),
  exp: numericDate,
  iat: z.number().nonnegative().optional(),
  context: id,
  user: id,
  client: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/)
    .optional(),
});

/** The session of checked claims. */
export function sessionOf({ jti, exp, iat = 0, context, user, client }: z.infer<typeof sessionClaims>): Session {
  const expiresAt = new Date(exp * 1000).toISOString();
  return { id: jti, context, user, ...(client === undefined ? {} : { client }), issuedAt: iat, expiresAt };
}
