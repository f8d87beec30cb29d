import { SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import { normalKey, signingKey, type VapidKeys } from './webpush.keys';

/** How long a token is valid. RFC 8292, 2 allows 24 hours; the difference is for clocks that differ. */
const lifetimeMs = 12 * 60 * 60 * 1000;

/** A token is replaced in the middle of its life. */
const usedForMs = lifetimeMs / 2;

/** The most cached tokens, about 500 bytes each. The limit is needed, because users choose the origins. */
const maxTokens = 2000;

interface Cached {
  readonly header: Promise<string>;
  readonly usedUntil: number;
}

/** The `Authorization` headers of VAPID, cached for each pair of keys, origin and subject. */
export class VapidTokens {
  private readonly cached = new LRUCache<string, Cached>({ max: maxTokens });

  /** `now` returns ms since the epoch. */
  constructor(private readonly now: () => number) {}

  /**
   * The header for a push service. `subject` is the URI where its operator reaches us; some push services refuse tokens
   * without it.
   */
  header(keys: VapidKeys, origin: string, subject: string | undefined): Promise<string> {
    const now = this.now();
    const name = `${keys.publicKey} ${origin} ${subject ?? ''}`;
    const known = this.cached.get(name);
    if (known !== undefined && now < known.usedUntil) return known.header;
    const header = vapidHeader(keys, origin, subject, now);
    this.cached.set(name, { header, usedUntil: now + usedForMs });
    return header;
  }
}

async function vapidHeader(keys: VapidKeys, origin: string, subject: string | undefined, now: number): Promise<string> {
  const claims = new SignJWT()
    .setProtectedHeader({ typ: 'JWT', alg: 'ES256' })
    .setAudience(origin)
    .setExpirationTime(Math.floor((now + lifetimeMs) / 1000));
  if (subject !== undefined) claims.setSubject(subject);
  const token = await claims.sign(signingKey(keys));
  return `vapid t=${token}, k=${normalKey(keys.publicKey)}`;
}
