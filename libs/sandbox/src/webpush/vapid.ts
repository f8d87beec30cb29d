import { createPublicKey, type KeyObject } from 'node:crypto';
import { jwtVerify, type JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';

/** An application server that proved its identity. */
interface Identified {
  /** The public key, an uncompressed point in base64url. */
  readonly key: string;
  /** Seconds since the epoch. */
  readonly exp: number;
}

interface VapidRefusal {
  readonly status: 401 | 403;
  readonly reason: string;
}

const maxTokens = 10_000;
const daySeconds = 24 * 60 * 60;
/** Auth parameters are separated by commas, and their values may be quoted. Source: RFC 9110, section 11.2. */
const parameter = /^([a-zA-Z]+)\s*=\s*"?([\w.-]+)"?$/;
const contact = /^(?:mailto:[^\s<>@]+@[^\s<>@]+|https:\/\/[^\s/]+\S*)$/;

/**
 * Verifies application servers by RFC 8292, with its limits: ES256, the audience is the origin of the push service, the
 * token expires within a day, and its subject is a contact. A token is verified once, because senders reuse tokens.
 */
export class VapidVerifier {
  private readonly verified = new LRUCache<string, Promise<Identified | VapidRefusal>>({ max: maxTokens });

  constructor(
    private readonly audience: () => string,
    /** Ms since the epoch. */
    private readonly now: () => number,
  ) {}

  /**
   * Why an application server must not send; undefined if the server may send. `restrictedTo` is the server key with which the
   * subscription was made; absent if it was made without a key.
   */
  async refusal(authorization: string | undefined, restrictedTo?: string): Promise<VapidRefusal | undefined> {
    if (authorization === undefined) return { status: 401, reason: 'There is no Authorization' };
    const known = this.verified.get(authorization);
    const verdict = await (known ?? this.remembered(authorization));
    if ('status' in verdict) return verdict;
    if (verdict.exp * 1000 <= this.now()) return invalid('The token expired');
    if (restrictedTo !== undefined && restrictedTo !== verdict.key) {
      return invalid('The key is not the one that the subscription was made with');
    }
    return undefined;
  }

  private remembered(authorization: string): Promise<Identified | VapidRefusal> {
    const verdict = this.identified(authorization).catch((error: unknown) => invalid((error as Error).message));
    this.verified.set(authorization, verdict);
    return verdict;
  }

  private async identified(authorization: string): Promise<Identified | VapidRefusal> {
    const [, scheme = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(authorization) ?? [];
    if (scheme.toLowerCase() !== 'vapid') return invalid('The scheme is not vapid');
    const parameters = rest.split(',').map((part) => parameter.exec(part.trim()));
    const { t, k } = Object.fromEntries(parameters.map((match) => [match?.[1], match?.[2]])) as Record<string, string>;
    if (t === undefined || k === undefined) return invalid('The parameter t or k is missing');
    const { payload } = await jwtVerify(t, publicKey(k), {
      algorithms: ['ES256'],
      audience: this.audience(),
      currentDate: new Date(this.now()),
      requiredClaims: ['exp', 'sub'],
    });
    return this.judged(payload, k);
  }

  private judged({ exp = 0, sub = '' }: JWTPayload, key: string): Identified | VapidRefusal {
    if (exp * 1000 > this.now() + daySeconds * 1000) return invalid('The token is valid for more than 24 hours');
    if (!contact.test(sub)) return invalid('The subject is neither a mailto: nor an https: URI');
    return { key, exp };
  }
}

function invalid(reason: string): VapidRefusal {
  return { status: 403, reason };
}

/** Throws if `key` is not an uncompressed point on P-256 in base64url. */
function publicKey(key: string): KeyObject {
  const point = Buffer.from(key, 'base64url');
  if (point.length !== 65 || point[0] !== 4) throw new Error('k is not an uncompressed point');
  const coordinate = (start: number): string => point.subarray(start, start + 32).toString('base64url');
  return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: coordinate(1), y: coordinate(33) }, format: 'jwk' });
}
