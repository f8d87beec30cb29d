import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { PushKeys, Subscription, UserKey } from '@pns/subscriptions';
import { DataSource, type EntityManager } from 'typeorm';
import { addressedSubscriptions, type AddressedSubscription } from './addressed-subscription';
import { pageOf, positionOf, type Page, type PageRequest } from './page';
import { openedKeys, sealedKeys } from './push-keys';
import { admit, lockToken, removeOthers, tokenHash, type Registration, type RegistrationRules } from './registration';
import { Seal } from './seal';
import { subscriptionsMatching, type SubscriptionFilter } from './subscription-filter';
import {
  metaPlace,
  openedMeta,
  SubscriptionEntity,
  toStoredSubscription,
  toSubscription,
  type ReadSubscription,
  type StoredSubscription,
} from './subscription.entity';
import { recordTakeOver } from './take-over';
import { versionChanged, versionIn, type Expected } from './versioned-row';

/** Changes to a subscription; null removes a value. */
interface SubscriptionChange {
  readonly topics?: readonly string[];
  readonly expiresAt?: number | null;
  readonly meta?: Readonly<Record<string, unknown>> | null;
}

/** A subscription with a dead target, and a time when the target was dead, in ms since the epoch by the clock of this process. */
export interface DeadTarget {
  readonly id: string;
  readonly deadAt: number;
}

const columns = `s.id, s.context_id AS context, s.user_id AS "user", s.client, s.transport, s.token, s.topics,
  s.expires_at AS "expiresAt", s.meta, s.shared AS "isShared", s.created_at AS "createdAt", s.updated_at AS "updatedAt",
  s.xmin AS version`;

type Row = Omit<SubscriptionEntity, 'tokenHash' | 'isTokenNormal' | 'keys'>;

/** The subscriptions in Postgres. */
@Injectable()
export class SubscriptionStore {
  constructor(
    private readonly database: DataSource,
    private readonly seal: Seal,
  ) {}

  /**
   * Adds a subscription, or replaces topics, expiry and meta of the subscription with the same user, client, transport and token,
   * which keeps its id. `rules.holder` decides which user keeps a token that is not shared. Safe to repeat and to run
   * concurrently.
   *
   * @throws PnsError `SUBSCRIPTION_LIMIT` when the user has reached a limit, which does not count expired subscriptions and the
   *   replaced one; `TOKEN_TAKEN` when `rules.holder` is `first` and another user has the token.
   */
  async register(
    registration: Registration,
    rules: RegistrationRules = {},
  ): Promise<{ readonly subscription: StoredSubscription; readonly isNew: boolean }> {
    const key = { ...registration, hash: tokenHash(registration.token) };
    return this.database.transaction(async (manager) => {
      await lockToken(manager, key);
      await admit(manager, key, rules);
      const keys = registration.keys && (await sealedKeys(manager, key, registration.keys, this.seal));
      const lost = key.isShared ? [] : await removeOthers(manager, key, rules);
      const { subscription, isNew } = await this.upsert(manager, registration, key.hash, keys);
      for (const each of lost.filter(({ isExpired }) => !isExpired)) {
        await recordTakeOver(manager, { ...subscription, ...each }, subscription, rules.registrant);
      }
      return { subscription, isNew };
    });
  }

  /** The unexpired subscriptions of many users; see `addressedSubscriptions`. */
  subscriptionsOf(users: readonly UserKey[]): Promise<AddressedSubscription[]> {
    return addressedSubscriptions(this.database, users);
  }

  async get(id: string): Promise<StoredSubscription | undefined> {
    const row = await this.database.manager.findOneBy(SubscriptionEntity, { id });
    return row === null ? undefined : toStoredSubscription(row, this.seal);
  }

  /**
   * Changes the given fields; null removes a value. Returns undefined when there is no such subscription. If a new expiry makes
   * an expired subscription valid again, the `rules` of a registration apply.
   *
   * @throws PnsError `VERSION_CHANGED` when the version is not `expected`; `SUBSCRIPTION_LIMIT` or `TOKEN_TAKEN` like `register`.
   */
  async change(
    id: string,
    changes: SubscriptionChange,
    expected?: Expected,
    rules: RegistrationRules = {},
  ): Promise<StoredSubscription | undefined> {
    const { topics, expiresAt, meta } = changes;
    const row = await this.database.transaction(async (manager) => {
      if (expiresAt !== undefined) await this.admitRevival(manager, id, rules);
      const [[changed]] = await manager.query<[Row[], number]>(
        `UPDATE subscriptions s
         SET topics = coalesce($2::text[], topics), updated_at = now(),
             expires_at = CASE WHEN $3::boolean THEN $4::timestamptz ELSE expires_at END,
             meta = CASE WHEN $5::boolean THEN $6::bytea ELSE meta END
         WHERE id = $1 AND ${versionFits('$7')} RETURNING ${columns}`,
        [
          ...[id, topics === undefined ? null : [...new Set(topics)]],
          ...[expiresAt !== undefined, typeof expiresAt === 'number' ? new Date(expiresAt) : null],
          ...[meta !== undefined, meta === undefined || meta === null ? null : this.sealed(meta)],
          versionIn(expected),
        ],
      );
      return changed;
    });
    if (row === undefined && expected !== undefined) throw versionChanged(expected);
    return row === undefined ? undefined : toStoredSubscription(row, this.seal);
  }

  /** Checks the rules again for an expired subscription, because another subscription may have got its token or place. */
  private async admitRevival(manager: EntityManager, id: string, rules: RegistrationRules): Promise<void> {
    const row = await manager.findOneBy(SubscriptionEntity, { id });
    if (row === null) return;
    const key = { ...row, hash: row.tokenHash };
    await lockToken(manager, key);
    const [now] = await manager.query<{ isExpired: boolean | null }[]>(
      'SELECT expires_at <= now() AS "isExpired" FROM subscriptions WHERE id = $1',
      [id],
    );
    if (now?.isExpired === true) await admit(manager, key, rules);
  }

  /** The ids of `ids` whose subscription exists and has not expired: a lookup by primary key. Without ids there is no query. */
  async liveAmong(ids: readonly string[]): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set();
    const rows = await this.database.query<{ id: string }[]>(
      'SELECT id FROM subscriptions WHERE id = ANY ($1::uuid[]) AND (expires_at IS NULL OR expires_at > now())',
      [ids],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** For each existing subscription, a function that decrypts its meta: unreadable meta makes only its own function throw. */
  async metaOf(ids: readonly string[]): Promise<ReadonlyMap<string, () => Subscription['meta']>> {
    const rows = await this.database.query<Pick<SubscriptionEntity, 'id' | 'meta'>[]>(
      'SELECT id, meta FROM subscriptions WHERE id = ANY ($1::uuid[])',
      [ids],
    );
    return new Map(rows.map(({ id, meta }) => [id, () => (meta === null ? undefined : openedMeta(meta, this.seal))]));
  }

  /** For each existing subscription, a function that decrypts its keys and returns undefined if it has none. */
  async keysOf(ids: readonly string[]): Promise<ReadonlyMap<string, () => PushKeys | undefined>> {
    const rows = await this.database.query<{ id: string; keys: Buffer | null }[]>(
      'SELECT id, keys FROM subscriptions WHERE id = ANY ($1::uuid[])',
      [ids],
    );
    return new Map(rows.map(({ id, keys }) => [id, () => (keys === null ? undefined : openedKeys(keys, this.seal))]));
  }

  /** Removes up to `limit` expired subscriptions, the earliest expiry first; returns their number. */
  async removeExpired(limit: number): Promise<number> {
    const [, removed] = await this.database.query<[unknown, number]>(
      `DELETE FROM subscriptions WHERE id IN (
         SELECT id FROM subscriptions WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
       )`,
      [limit],
    );
    return removed;
  }

  /** Returns subscriptions, oldest first, expired ones included. */
  async list(filter: SubscriptionFilter, { limit, cursor }: PageRequest): Promise<Page<ReadSubscription>> {
    const query = subscriptionsMatching(this.database.manager, filter);
    if (cursor !== undefined) {
      const { createdAt, id } = positionOf(cursor);
      query.andWhere('(s.created_at, s.id) > (:createdAt, :id)', { createdAt: new Date(createdAt), id });
    }
    const rows = await query
      .orderBy('s.created_at')
      .addOrderBy('s.id')
      .limit(limit + 1)
      .getMany();
    return pageOf(
      rows.map((row) => toSubscription(row, this.seal)),
      limit,
    );
  }

  /** Removes a subscription; returns whether it existed. @throws PnsError `VERSION_CHANGED` when its version is not `expected`. */
  async remove(id: string, expected?: Expected): Promise<boolean> {
    const [, removed] = await this.database.query<[unknown, number]>(
      `DELETE FROM subscriptions WHERE id = $1 AND ${versionFits('$2')}`,
      [id, versionIn(expected)],
    );
    if (removed === 0 && expected !== undefined) throw versionChanged(expected);
    return removed > 0;
  }

  /**
   * Removes subscriptions with dead targets, unless they were registered again or changed after `deadAt`; returns their number.
   */
  async removeDead(targets: readonly DeadTarget[]): Promise<number> {
    if (targets.length === 0) return 0;
    return this.database.transaction(async (manager) => {
      // The statement gets an age, so that the clocks of Postgres and of this process need not agree. The age is computed after
      // the connection was opened, because waiting for a connection would falsify it. The clocks of processes that record each
      // other's attempts must agree roughly.
      const now = Date.now();
      const [, removed] = await manager.query<[unknown, number]>(
        `DELETE FROM subscriptions s USING unnest($1::uuid[], $2::float8[]) AS dead (id, age_ms)
         WHERE s.id = dead.id AND s.updated_at <= statement_timestamp() - dead.age_ms * interval '1 ms'`,
        [targets.map(({ id }) => id), targets.map(({ deadAt }) => Math.max(0, now - deadAt))],
      );
      return removed;
    });
  }

  /** Removes all matching subscriptions; returns their number. An empty filter matches every subscription. */
  async removeMatching(filter: SubscriptionFilter): Promise<number> {
    const ids = subscriptionsMatching(this.database.manager, filter).select('s.id');
    const [, removed] = await this.database.query<[unknown, number]>(...deletionOf(ids.getQueryAndParameters()));
    return removed;
  }

  private async upsert(
    manager: EntityManager,
    { context, user, client, transport, token, topics, expiresAt, meta, isShared }: Registration,
    hash: Buffer,
    keys: Buffer | undefined,
  ): Promise<{ subscription: StoredSubscription; isNew: boolean }> {
    const [row] = await manager.query<(Row & { isNew: boolean })[]>(
      `INSERT INTO subscriptions AS s
         (id, context_id, user_id, client, transport, token, token_hash, topics, expires_at, meta, shared,
          keys, is_token_normal)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, true)
       ON CONFLICT (context_id, user_id, transport, client, token_hash) DO UPDATE
       SET topics = excluded.topics, expires_at = excluded.expires_at, meta = excluded.meta, shared = excluded.shared,
           keys = excluded.keys, updated_at = now(), is_token_normal = true
       RETURNING ${columns}, s.xmax = 0 AS "isNew"`, // xmax is 0 only for an inserted row
      [
        ...[randomUUID(), context, user, client, transport, token, hash, [...new Set(topics)]],
        expiresAt === undefined ? null : new Date(expiresAt),
        meta === undefined ? null : this.sealed(meta),
        ...[isShared, keys ?? null],
      ],
    );
    if (row === undefined) throw new Error('An upsert of a subscription returned no row.');
    return { subscription: toStoredSubscription(row, this.seal), isNew: row.isNew };
  }

  private sealed(meta: object): Buffer {
    return this.seal.seal(JSON.stringify(meta), metaPlace);
  }
}

/** SQL condition: the version is an expected one. Versions are compared as text, because the client may send any text. */
function versionFits(place: string): string {
  return `(${place}::text[] IS NULL OR xmin::text = ANY (${place}))`;
}

function deletionOf([select, parameters]: [string, unknown[]]): [string, unknown[]] {
  return [`DELETE FROM subscriptions WHERE id IN (${select})`, parameters];
}
