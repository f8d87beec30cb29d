import { createHash } from 'node:crypto';
import { PnsError } from '@pns/runtime';
import type { Subscription, UserKey } from '@pns/subscriptions';
import type { EntityManager } from 'typeorm';
import type { Registrant } from './take-over';

/** What a client says when it registers; its token as its transport spells it. */
export type Registration = Omit<Subscription, 'id' | 'createdAt' | 'updatedAt'>;

/** What a registration may do. */
export interface RegistrationRules {
  /**
   * Who holds a token that is not shared and that several users register: the `last` one, which is the default, for a secret of
   * a device; the `first` one for what many people know.
   */
  readonly holder?: 'first' | 'last';
  /** Most unexpired subscriptions of one user for one transport and client. */
  readonly maxPerClient?: number;
  /** Most unexpired subscriptions of one user. */
  readonly maxPerUser?: number;
  /** Who registers, for the audit log. */
  readonly registrant?: Registrant;
}

/** A token, whose it is, and the hash that it is looked up by. */
export interface TokenKey extends UserKey, Pick<Subscription, 'transport' | 'client'> {
  readonly hash: Buffer;
}

/**
 * Waits for other registrations of the user and of the token, and makes those that follow wait until the transaction ends. All
 * take the two locks in this order, so that no two registrations wait for each other.
 */
export async function lockToken(manager: EntityManager, key: TokenKey): Promise<void> {
  await lock(manager, `user ${key.context} ${key.user}`);
  await lock(manager, `token ${key.transport} ${key.client} ${key.hash.toString('hex')}`);
}

/**
 * Decides on a registration whose token is locked.
 *
 * @throws PnsError `SUBSCRIPTION_LIMIT` or `TOKEN_TAKEN`.
 */
export async function admit(manager: EntityManager, key: TokenKey, rules: RegistrationRules): Promise<void> {
  await assertBelowLimits(manager, key, rules);
  if (rules.holder === 'first') await assertFree(manager, key);
}

/** A subscription that lost its token, and whether it was in use. */
export type LostSubscription = UserKey & Pick<Subscription, 'id' | 'topics'> & { readonly isExpired: boolean };

/** Removes the subscriptions of other users that hold the token; where the first holder keeps it, only expired ones are left. */
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

/** The condition of a subscription that has not expired. */
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
  const limit = 'which is the most allowed; remove one first.';
  if (row.ofClient >= maxPerClient) {
    const sentence = `${of} ${row.ofClient} subscriptions of ${client} for ${transport}, ${limit}`;
    throw new PnsError('SUBSCRIPTION_LIMIT', sentence);
  }
  if (row.ofUser >= maxPerUser) throw new PnsError('SUBSCRIPTION_LIMIT', `${of} ${row.ofUser} subscriptions, ${limit}`);
}

/** Of several holders, which a webhook has that was shared before, each later one is refused. */
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
  // Without the holder, who may belong to another tenant.
  throw new PnsError(
    'TOKEN_TAKEN',
    `Another user has registered this URI for ${key.client}, which shares it with nobody.`,
  );
}

/** What tokens are found by: they may be longer than an entry of an index. */
export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Waits until no other transaction holds `name`, and holds it until this one ends. */
async function lock(manager: EntityManager, name: string): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [name]);
}
