import { isOwnedBy, type Owner } from '@pns/subscriptions';
import { z } from 'zod';

/** What a session token says: who the holder is, and until when. */
export interface Session {
  readonly id: string;
  readonly context: number;
  readonly user: number;
  /** The only client that may open sockets with the session; absent: any. */
  readonly client?: string;
  /** In seconds since the epoch; 0 for a token that does not tell. */
  readonly issuedAt: number;
  /** ISO 8601, UTC. */
  readonly expiresAt: string;
}

/** What ended: one session, or all that were issued to the owner until then, in seconds since the epoch, inclusive. */
export type SessionEnd = { readonly id: string } | (Owner & { readonly issuedUntil: number });

/** Whether `end` is the session's. */
export function isEndOf(end: SessionEnd, session: Session): boolean {
  return 'id' in end ? end.id === session.id : isOwnedBy(session, end) && session.issuedAt <= end.issuedUntil;
}

/** What a caller asks a session to be. */
export interface SessionRequest {
  readonly context: number;
  readonly user: number;
  readonly client?: string;
  readonly ttlSeconds?: number;
}

/** How long a session lasts unless the caller says otherwise, in seconds: the original's session lifetime. */
export const defaultSessionTtlSeconds = 3600;

/** Longest life of a session, in seconds. An ended session is remembered this long, because its token might live on. */
export const maxSessionTtlSeconds = 7 * 24 * 3600;

/** What the id of a session may be, whoever issued it: it has to fit into a path, where it is ended. */
export const sessionIdSyntax = /^[\x21-\x7e]{1,128}$/;

/** Clocks of other nodes and of an identity provider may be ahead of ours by this much, in s. */
export const clockToleranceSeconds = 5;

const positive = z.number().int().positive();

/** RFC 7519, 2: a date in a token may be a fraction of seconds. One that no date of JavaScript can hold is none. */
const numericDate = z.number().positive().max(8_640_000_000_000).transform(Math.floor);

/** What a 32-bit integer of Postgres holds: there is nobody with a larger id, whoever issued the token. */
const id = positive.max(2_147_483_647);

/** The claims of a token, as far as we rely on them; a provider's own claims beside them are of no interest. */
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

/** The session that a token's checked claims describe. */
export function sessionOf({ jti, exp, iat = 0, context, user, client }: z.infer<typeof sessionClaims>): Session {
  const expiresAt = new Date(exp * 1000).toISOString();
  return { id: jti, context, user, ...(client === undefined ? {} : { client }), issuedAt: iat, expiresAt };
}
