import { hash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ApiKeyStore, apiScopes, type ApiKey } from '@pns/persistence';
import { LRUCache } from 'lru-cache';
import { RequestError } from '../http/request-error';
import { LastUses } from './last-uses';
import { RemovedKeys } from './removed-keys';

/** Who a request comes from. */
export type Caller = Pick<ApiKey, 'id' | 'name' | 'scopes' | 'contexts' | 'expiresAt' | 'rateLimit'>;

/** SHA-256 of the key that the environment names. */
export abstract class BootstrapKeyHash {
  abstract readonly hash: Buffer;
}

// Removals are heard of at once; the time is for the one that nobody could hear of.
const knownKeysTtlMs = 60_000;

/**
 * Tells whose key a request carries. Keys are compared by their SHA-256: the bootstrap key's in constant time, others by
 * looking the hash up, which tells nothing about the key it was made from.
 */
@Injectable()
export class Authenticator {
  private readonly known = new LRUCache<string, Caller>({ max: 10_000, ttl: knownKeysTtlMs });
  /** Apart from the known ones, so that guessing does not push those out. */
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
   * The caller that the `Authorization` header names, at once where it is known already.
   *
   * @throws RequestError `API_KEY_MISSING`, `API_KEY_UNKNOWN` or `API_KEY_EXPIRED`.
   */
  callerOf(authorization: string | undefined): Caller | Promise<Caller> {
    const key = presentedKey(authorization);
    if (key === undefined) {
      throw new RequestError('API_KEY_MISSING', 'Send an API key as Authorization: Bearer, or as password of Basic.');
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
    // Unless a removal was heard of meanwhile, which may have been this key's.
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
  return new RequestError('API_KEY_EXPIRED', `The API key expired at ${at}; ask for a new one.`);
}

function unknownKey(): RequestError {
  return new RequestError('API_KEY_UNKNOWN', 'The API key is not known; it may have been deleted.');
}

/** The key in `Bearer <key>`, or the password in `Basic <user:password>`. */
export function presentedKey(authorization: string | undefined): string | undefined {
  const header = authorization?.trimEnd() ?? '';
  // Without the rest: who has no key may send it, and must not choose how long it is looked at.
  const [start, scheme] = /^(Bearer|Basic) +(?=\S)/i.exec(header) ?? [];
  if (start === undefined || scheme === undefined) return undefined;
  const credentials = header.slice(start.length);
  if (scheme.toLowerCase() === 'bearer') return credentials;
  const decoded = Buffer.from(credentials, 'base64').toString();
  const colon = decoded.indexOf(':');
  return colon < 0 || colon === decoded.length - 1 ? undefined : decoded.slice(colon + 1);
}
