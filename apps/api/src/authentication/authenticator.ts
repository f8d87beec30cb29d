import { hash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ApiKeyStore, apiScopes, type ApiKey } from '@pns/persistence';
import { LRUCache } from 'lru-cache';
import { RequestError } from '../http/request-error';
import { LastUses } from './last-uses';
import { RemovedKeys } from './removed-keys';

/** The API key that a request carries, and its rights. */
export type Caller = Pick<ApiKey, 'id' | 'name' | 'scopes' | 'contexts' | 'expiresAt' | 'rateLimit'>;

/** SHA-256 of the bootstrap key from the environment. */
export abstract class BootstrapKeyHash {
  abstract readonly hash: Buffer;
}

// Removals of keys are announced at once. The TTL is for the case that an announcement is lost.
const knownKeysTtlMs = 60_000;

/**
 * Finds the API key of a request. Keys are compared by their SHA-256: the bootstrap key in constant time, other keys by a
 * lookup of the hash, whose timing reveals nothing about the key.
 */
@Injectable()
export class Authenticator {
  private readonly known = new LRUCache<string, Caller>({ max: 10_000, ttl: knownKeysTtlMs });
  /** A separate cache, so that guessed keys do not evict known ones. */
  private readonly unknown = new LRUCache<string, true>({ max: 1000, ttl: knownKeysTtlMs });

  constructor(
    private readonly bootstrapKey: BootstrapKeyHash,
    private readonly keys: ApiKeyStore,
    private readonly removed: RemovedKeys,
    private readonly lastUses: LastUses,
  ) {
    removed.onChange((id) => this.forget(id));
  }

  /**
   * The caller that the `Authorization` header identifies; a promise only if the key is not cached.
   *
   * @throws RequestError `API_KEY_MISSING`, `API_KEY_UNKNOWN` or `API_KEY_EXPIRED`.
   */
  callerOf(authorization: string | undefined): Caller | Promise<Caller> {
    const key = presentedKey(authorization);
    if (key === undefined) {
      throw new RequestError(
        'API_KEY_MISSING',
        'Send an API key as Authorization: Bearer, or as the password of Basic.',
      );
    }
    const digest = hash('sha256', key, 'hex');
    if (timingSafeEqual(Buffer.from(digest, 'hex'), this.bootstrapKey.hash)) return bootstrapCaller;
    if (this.removed.isListening) {
      const caller = this.known.get(digest);
      if (caller !== undefined) return this.used(caller);
      if (this.unknown.has(digest)) throw unknownKey();
    }
    return this.lookUp(digest);
  }

  private async lookUp(digest: string): Promise<Caller> {
    const { generation } = this.removed;
    const key = await this.keys.byHash(Buffer.from(digest, 'hex'));
    if (key === undefined) {
      this.unknown.set(digest, true);
      throw unknownKey();
    }
    // The key is not cached if a removal was announced during the lookup, because this key may be the removed one.
    if (generation === this.removed.generation) this.known.set(digest, key);
    return this.used(key);
  }

  private used(caller: Caller): Caller {
    if (caller.expiresAt !== undefined && caller.expiresAt <= Date.now()) throw expiredKey(caller.expiresAt);
    this.lastUses.note(caller.id);
    return caller;
  }

  private forget(id: string | undefined): void {
    if (id === undefined) return this.known.clear();
    for (const [digest, caller] of this.known.entries()) if (caller.id === id) this.known.delete(digest);
  }
}

const bootstrapCaller: Caller = { id: 'bootstrap', name: 'bootstrap', scopes: apiScopes };

function expiredKey(expiresAt: number): RequestError {
  const at = new Date(expiresAt).toISOString();
  return new RequestError('API_KEY_EXPIRED', `The API key expired at ${at}; request a new one.`);
}

function unknownKey(): RequestError {
  return new RequestError('API_KEY_UNKNOWN', 'The API key is not known; it may have been deleted.');
}

/** The key in `Bearer <key>`, or the password in `Basic <user:password>`. */
export function presentedKey(authorization: string | undefined): string | undefined {
  const header = authorization?.trimEnd() ?? '';
  // The expression ends before the credentials, because an unauthenticated sender chooses their length and could make the match
  // slow.
  const [start, scheme] = /^(Bearer|Basic) +(?=\S)/i.exec(header) ?? [];
  if (start === undefined || scheme === undefined) return undefined;
  const credentials = header.slice(start.length);
  if (scheme.toLowerCase() === 'bearer') return credentials;
  const decoded = Buffer.from(credentials, 'base64').toString();
  const colon = decoded.indexOf(':');
  return colon < 0 || colon === decoded.length - 1 ? undefined : decoded.slice(colon + 1);
}
