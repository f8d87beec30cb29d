import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ApiKeyEntity } from './api-key.entity';
import { pageOf, positionOf, type Page, type PageRequest } from './page';

/** The rights of an API key. */
export const apiScopes = ['ingest', 'admin', 'client'] as const;
/** One of `apiScopes`. */
export type ApiScope = (typeof apiScopes)[number];

/** The rate limit of a key: a bucket of `burst` units that refills with `perSecond` units per second. */
export interface RateLimit {
  readonly perSecond: number;
  /** At least `perSecond`. */
  readonly burst: number;
}

/** A stored API key. The store has only a SHA-256 of the key itself, and never returns it. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly ApiScope[];
  /** The contexts that the key may access, at least one; absent: all contexts and the settings of the server. */
  readonly contexts?: readonly number[];
  /** When the key expires, in ms since the epoch like all times of a key; absent if it never expires. */
  readonly expiresAt?: number;
  /** Absent if the key has no limit. */
  readonly rateLimit?: RateLimit;
  readonly createdAt: number;
  readonly lastUsedAt?: number;
}

/** The values of a new key. */
export type NewApiKey = Pick<ApiKey, 'name' | 'scopes' | 'contexts' | 'expiresAt' | 'rateLimit'>;

/** The API keys in Postgres. */
@Injectable()
export class ApiKeyStore {
  constructor(private readonly database: DataSource) {}

  async add({ name, scopes, contexts, expiresAt, rateLimit }: NewApiKey, hash: Buffer): Promise<ApiKey> {
    const row = {
      ...{ id: randomUUID(), name, scopes: [...new Set(scopes)], hash, createdAt: new Date(), lastUsedAt: null },
      contexts: contexts === undefined ? null : [...new Set(contexts)].sort((a, b) => a - b),
      expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
      rateLimitPerSecond: rateLimit?.perSecond ?? null,
      rateLimitBurst: rateLimit?.burst ?? null,
    };
    await this.database.manager.insert(ApiKeyEntity, row);
    return toApiKey(row);
  }

  async get(id: string): Promise<ApiKey | undefined> {
    const row = await this.database.manager.findOneBy(ApiKeyEntity, { id });
    return row === null ? undefined : toApiKey(row);
  }

  async byHash(hash: Buffer): Promise<ApiKey | undefined> {
    const row = await this.database.manager.findOneBy(ApiKeyEntity, { hash });
    return row === null ? undefined : toApiKey(row);
  }

  /** Returns API keys, oldest first. */
  async list({ limit, cursor }: PageRequest): Promise<Page<ApiKey>> {
    const query = this.database.manager.createQueryBuilder(ApiKeyEntity, 'k');
    if (cursor !== undefined) {
      const { createdAt, id } = positionOf(cursor);
      query.where('(k.created_at, k.id) > (:createdAt, :id)', { createdAt: new Date(createdAt), id });
    }
    const rows = await query
      .orderBy('k.created_at')
      .addOrderBy('k.id')
      .limit(limit + 1)
      .getMany();
    return pageOf(rows.map(toApiKey), limit);
  }

  /** Removes a key; returns whether it existed. */
  async remove(id: string): Promise<boolean> {
    const { affected } = await this.database.manager.delete(ApiKeyEntity, { id });
    return (affected ?? 0) > 0;
  }

  /**
   * Removes an erased context from every key that names it, and deletes keys without another context. Returns the ids of all
   * changed and deleted keys, so that a caller can drop them from its cache. Safe to run concurrently with other erasures.
   */
  async eraseContext(context: number): Promise<string[]> {
    return this.database.transaction(async (manager) => {
      // Locks the keys in a fixed order, so that concurrent erasures do not deadlock.
      await manager.query('SELECT id FROM api_keys WHERE $1::int = ANY (contexts) ORDER BY id FOR UPDATE', [context]);
      const [removed] = await manager.query<[{ id: string }[], number]>(
        'DELETE FROM api_keys WHERE contexts = ARRAY[$1::int] RETURNING id',
        [context],
      );
      const [changed] = await manager.query<[{ id: string }[], number]>(
        `UPDATE api_keys SET contexts = array_remove(contexts, $1::int)
         WHERE $1::int = ANY (contexts) AND cardinality(contexts) > 1 RETURNING id`,
        [context],
      );
      return [...removed, ...changed].map(({ id }) => id);
    });
  }

  /** Stores the last uses of keys in one statement. An earlier time never replaces a later one. */
  async used(lastUses: ReadonlyMap<string, number>): Promise<void> {
    if (lastUses.size === 0) return;
    await this.database.query(
      `UPDATE api_keys k SET last_used_at = greatest(k.last_used_at, used.at)
       FROM unnest($1::uuid[], $2::timestamptz[]) AS used (id, at) WHERE k.id = used.id`,
      [[...lastUses.keys()], [...lastUses.values()].map((at) => new Date(at))],
    );
  }
}

function toApiKey(row: ApiKeyEntity): ApiKey {
  const { id, name, scopes, contexts, expiresAt, createdAt, lastUsedAt } = row;
  const { rateLimitPerSecond: perSecond, rateLimitBurst: burst } = row;
  return {
    id,
    name,
    scopes: apiScopes.filter((scope) => scopes.includes(scope)),
    ...(contexts === null ? {} : { contexts }),
    ...(expiresAt === null ? {} : { expiresAt: expiresAt.getTime() }),
    ...(perSecond === null || burst === null ? {} : { rateLimit: { perSecond, burst } }),
    createdAt: createdAt.getTime(),
    ...(lastUsedAt === null ? {} : { lastUsedAt: lastUsedAt.getTime() }),
  };
}
