import { createHash } from 'node:crypto';
import { PnsError } from '@pns/runtime';
import type { Subscription, UserKey } from '@pns/subscriptions';
import type { EntityManager } from 'typeorm';
import type { GivenPushKeys } from './push-keys';
import type { Registrant } from './take-over';

/** The values of a new subscription; the token is in its normal form. */
export type Registration = Omit<Subscription, 'id' | 'createdAt' | 'updatedAt'> & {
  /** The keys of a Web Push subscription. */
  readonly keys?: GivenPushKeys;
};

/** The rules for a registration. */
export interface RegistrationRules {
  /**
   * Which user keeps a token that several users register and that is not shared: the `last` (default) for a secret of a device,
   * the `first` for a token that is not secret.
   */
  readonly holder?: 'first' | 'last';
  /** Maximum number of unexpired subscriptions of one user for one transport and client. */
  readonly maxPerClient?: number;
  /** Maximum number of unexpired subscriptions of one user. */
  readonly maxPerUser?: number;
  /** The API key of the registration, for the audit log. */
  readonly registrant?: Registrant;
}

/** The user, transport and client of a token, and its hash for lookups. */
export interface TokenKey extends UserKey, Pick<Subscription, 'transport' | 'client'> {
  readonly hash: Buffer;
}

/**
 * Locks the user and the token until the transaction ends. All registrations take the two locks in this order, so that they do
 * not deadlock.
 */
export async function lockToken(manager: EntityManager, key: TokenKey): Promise<void> {
  await lock(manager, `user ${key.context} ${key.user}`);
  await lock(manager, `token ${key.transport} ${key.client} ${key.hash.toString('hex')}`);
}

/**
 * Checks the rules for a registration. The token must be locked.
 *
 * @throws PnsError `SUBSCRIPTION_LIMIT` or `TOKEN_TAKEN`.
 */
export async function admit(manager: EntityManager, key: TokenKey, rules: RegistrationRules): Promise<void> {
  await assertBelowLimits(manager, key, rules);
  if (rules.holder === 'first') await assertFree(manager, key);
}

/** A subscription that lost its token, and whether it had expired. */
type LostSubscription = UserKey & Pick<Subscription, 'id' | 'topics'> & { readonly isExpired: boolean };

/** Removes and returns other users' subscriptions with the token; only expired subscriptions if `holder` is `first`. */
export async function removeOthers(
  manager: EntityManager,
  key: TokenKey,
  { holder = 'last' }: RegistrationRules,
): Promise<readonly LostSubscription[]> {
  const [lost] = await manager.query<[LostSubscription[], number]>(
    `DELETE FROM subscriptions WHERE ${ofOthers} AND ($6 = 'last' OR NOT ${isLive})
     RETURNING id, context_id AS context, user_id AS "user", topics, NOT ${isLive} AS "isExpired"`,
    [...valuesOf(key), holder],
  );
  return lost;
}

/** SQL condition: the subscription has not expired. */
export const isLive = '(expires_at IS NULL OR expires_at > now())';

const ofOthers = 'token_hash = $1 AND transport = $2 AND client = $3 AND (context_id, user_id) <> ($4::int, $5::int)';

function valuesOf({ hash, transport, client, context, user }: TokenKey): unknown[] {
  return [hash, transport, client, context, user];
}

async function assertBelowLimits(
  manager: EntityManager,
  { context, user, transport, client, hash }: TokenKey,
  { maxPerClient = Infinity, maxPerUser = Infinity }: RegistrationRules,
): Promise<void> {
  if (maxPerClient === Infinity && maxPerUser === Infinity) return;
  const [row] = await manager.query<{ ofClient: number; ofUser: number }[]>(
    `SELECT count(*) FILTER (WHERE transport = $3 AND client = $4)::int AS "ofClient", count(*)::int AS "ofUser"
     FROM subscriptions
     WHERE context_id = $1 AND user_id = $2 AND ${isLive}
       AND (transport, client, token_hash) <> ($3, $4, $5)`,
    [context, user, transport, client, hash],
  );
  if (row === undefined) throw new Error('A count of subscriptions returned no row.');
  const of = `User ${user} of context ${context} already has`;
  const limit = 'which is the limit; remove one first.';
  if (row.ofClient >= maxPerClient) {
    const sentence = `${of} ${row.ofClient} subscriptions of ${client} for ${transport}, ${limit}`;
    throw new PnsError('SUBSCRIPTION_LIMIT', sentence);
  }
  if (row.ofUser >= maxPerUser) throw new PnsError('SUBSCRIPTION_LIMIT', `${of} ${row.ofUser} subscriptions, ${limit}`);
}

/** Throws if another user has the token. If several users have it because it was shared, only the first of them is admitted. */
async function assertFree(manager: EntityManager, key: TokenKey): Promise<void> {
  const [row] = await manager.query<{ isTaken: boolean }[]>(
    `SELECT EXISTS (
       SELECT FROM subscriptions other
       WHERE ${ofOthers} AND ${isLive} AND NOT EXISTS (
         SELECT FROM subscriptions own
         WHERE token_hash = $1 AND transport = $2 AND client = $3 AND context_id = $4 AND user_id = $5 AND ${isLive}
           AND (own.created_at, own.id) < (other.created_at, other.id)
       )
     ) AS "isTaken"`,
    valuesOf(key),
  );
  if (row?.isTaken !== true) return;
  // The sentence does not name the other user, who may belong to another tenant.
  throw new PnsError(
    'TOKEN_TAKEN',
    `Another user has registered this URI for ${key.client}, and this webhook allows one user per URI.`,
  );
}

/** The hash by which a token is found, because a token can be longer than an index entry may be. */
export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Waits for the lock `name` and holds it until the transaction ends. */
async function lock(manager: EntityManager, name: string): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [name]);
}
