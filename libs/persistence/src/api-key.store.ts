import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ApiKeyEntity } from './api-key.entity';
import { pageOf, positionOf, type Page, type PageRequest } from './page';

/** What an API key may be used for. */
export const apiScopes = ['ingest', 'admin', 'client'] as const;
export type ApiScope = (typeof apiScopes)[number];

/** How much a key may send: a bucket of `burst` units that refills with `perSecond` units a second. */
export interface RateLimit {
  readonly perSecond: number;
  /** At least `perSecond`. */
  readonly burst: number;
}

/** An API key as it is kept: of the key itself only a SHA-256, which never leaves the store. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly ApiScope[];
  /** The contexts that it is good for, at least one; absent: all of them, and what belongs to none. */
  readonly contexts?: readonly number[];
  /** In ms since the epoch, as the times below; absent: never. */
  readonly expiresAt?: number;
  /** Absent: none. */
  readonly rateLimit?: RateLimit;
  readonly createdAt: number;
  readonly lastUsedAt?: number;
}

/** What a key is to be. */
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

  /** Oldest first. */
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

  /** Whether there was one. */
  async remove(id: string): Promise<boolean> {
    const { affected } = await this.database.manager.delete(ApiKeyEntity, { id });
    return (affected ?? 0) > 0;
  }

  /**
   * Takes a context that is erased from every key that names it; keys that are valid for no other one go. Answers the ids
   * of all of them: a caller that caches them must read them again. Safe to race with the erasure of another context.
   */
  async eraseContext(context: number): Promise<string[]> {
    return this.database.transaction(async (manager) => {
      // Waits for others that take contexts from the same keys, in one order, so that nobody waits for each other.
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

  /** Notes when keys were last used, all of them in one statement; an earlier time never replaces a later one. */
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
