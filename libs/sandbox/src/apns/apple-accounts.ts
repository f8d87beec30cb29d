import { createPublicKey, generateKeyPairSync, type KeyObject, verify, X509Certificate } from 'node:crypto';
import type { Authority } from '../certificates';
import type { Refusal } from './apple-rules';

export type Environment = 'production' | 'development';

/** A signing key as Apple issues it, with the ids that a sender needs. */
interface SigningKey {
  readonly keyid: string;
  readonly teamid: string;
  /** The text of the .p8 file. */
  readonly privatekey: string;
}

/** The restrictions of a signing key. */
interface KeyScope {
  readonly teamid: string;
  /** Default: every topic of the team. */
  readonly topics?: readonly string[] | undefined;
  /** Default: both environments. */
  readonly environment?: Environment | undefined;
}

interface RegisteredKey extends KeyScope {
  readonly publicKey: KeyObject;
  readonly tokens: Set<string>;
  /** When a token last replaced an earlier one, in ms since the epoch. */
  updatedAt: number;
}

/** The sender of a push: its provider token, and the certificate of its connection if there is one. */
export interface Sender {
  readonly authorization: string | undefined;
  readonly topic: string | undefined;
  /** The id of the key of the first push over this connection. */
  readonly firstKey: string | undefined;
  /** The SHA-256 fingerprint of the connection's certificate. */
  readonly certificate: string | undefined;
}

/** The key and the topic of a sender that may push, or the refusal. */
type Admission = { readonly keyid?: string; readonly topic: string } | Refusal;

const minuteMs = 60 * 1000;
const tokenLifeMs = 60 * minuteMs;
const updateEveryMs = 20 * minuteMs;
/** The tolerated difference of clocks. */
const skewMs = minuteMs;

/**
 * Apple's developer accounts: signing keys, their provider tokens, and push certificates. Sources: "Establishing a
 * token-based connection to APNs",
 * https://developer.apple.com/documentation/usernotifications/establishing-a-token-based-connection-to-apns, and
 * "Handling notification responses from APNs".
 */
export class AppleAccounts {
  private readonly keys = new Map<string, RegisteredKey>();
  /** The topic of each certificate that is not revoked, by its fingerprint. */
  private readonly certificates = new Map<string, string>();
  private readonly verified = new Map<string, Claims>();

  constructor(
    private readonly authority: Authority,
    private readonly environment: Environment,
    private readonly now: () => number,
  ) {}

  /** Makes a signing key and registers it. */
  createKey(keyid: string, scope: KeyScope): SigningKey {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.keys.set(keyid, { ...scope, publicKey, tokens: new Set(), updatedAt: -Infinity });
    return {
      keyid,
      teamid: scope.teamid,
      privatekey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  }

  /**
   * Registers a key that was created elsewhere; `pem` is its private or public key. Returns whether it is a key for ES256.
   */
  registerKey(keyid: string, scope: KeyScope, pem: string): boolean {
    try {
      const publicKey = createPublicKey(pem);
      if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return false;
      this.keys.set(keyid, { ...scope, publicKey, tokens: new Set(), updatedAt: -Infinity });
      return true;
    } catch {
      return false;
    }
  }

  revokeKey(keyid: string): boolean {
    return this.keys.delete(keyid);
  }

  /** Issues an app's push certificate and returns it as a PKCS #12 file. */
  createCertificate(topic: string, password: string): Buffer {
    const userId = { type: '0.9.2342.19200300.100.1.1', value: topic };
    const identity = this.authority.client(`Apple Push Services: ${topic}`, [userId]);
    this.certificates.set(new X509Certificate(identity.cert).fingerprint256, topic);
    return this.authority.pkcs12(identity, password);
  }

  /** Revokes all certificates of a topic; returns whether there was one. */
  revokeCertificates(topic: string): boolean {
    const own = [...this.certificates].filter(([, each]) => each === topic);
    for (const [fingerprint] of own) this.certificates.delete(fingerprint);
    return own.length > 0;
  }

  /** The number of different provider tokens of each key. */
  tokensByKey(): { keyid: string; teamid: string; tokens: number }[] {
    return [...this.keys].map(([keyid, { teamid, tokens }]) => ({ keyid, teamid, tokens: tokens.size }));
  }

  admit(sender: Sender): Admission {
    const { authorization, certificate } = sender;
    if (authorization !== undefined) return this.admitToken(sender, authorization);
    if (certificate === undefined) return forbidden('MissingProviderToken');
    return this.admitCertificate(certificate, sender.topic);
  }

  private admitCertificate(fingerprint: string, named?: string): Admission {
    const own = this.certificates.get(fingerprint);
    if (own === undefined) return forbidden('BadCertificate');
    return named === undefined || named === own ? { topic: own } : { status: 400, reason: 'TopicDisallowed' };
  }

  private admitToken({ topic, firstKey }: Sender, authorization: string): Admission {
    const token = /^bearer (.+)$/i.exec(authorization)?.[1];
    if (token === undefined) return forbidden('MissingProviderToken');
    const claims = this.claimsOf(token);
    const key = claims && this.keys.get(claims.keyid);
    if (claims === undefined || key === undefined || claims.issuer !== key.teamid)
      return forbidden('InvalidProviderToken');
    const ageMs = this.now() - claims.issuedAtMs;
    if (ageMs < -skewMs) return forbidden('InvalidProviderToken');
    if (ageMs > tokenLifeMs) return forbidden('ExpiredProviderToken');
    const first = firstKey === undefined ? key : this.keys.get(firstKey);
    if (first?.teamid !== key.teamid) return forbidden('UnrelatedKeyIdInToken');
    if (key.environment !== undefined && key.environment !== this.environment) {
      return forbidden('BadEnvironmentKeyIdInToken');
    }
    if (!this.isUpdateDue(key, token)) return { status: 429, reason: 'TooManyProviderTokenUpdates' };
    if (topic === undefined) return { status: 400, reason: 'MissingTopic' };
    if (key.topics?.includes(topic) === false) return { status: 400, reason: 'TopicDisallowed' };
    return { keyid: claims.keyid, topic };
  }

  /** Whether a token may be used, which is then recorded. A new token is refused within 20 minutes of the last change. */
  private isUpdateDue(key: RegisteredKey, token: string): boolean {
    if (key.tokens.has(token)) return true;
    if (this.now() - key.updatedAt < updateEveryMs) return false;
    if (key.tokens.size > 0) key.updatedAt = this.now();
    key.tokens.add(token);
    return true;
  }

  private claimsOf(token: string): Claims | undefined {
    const known = this.verified.get(token);
    // After a key was registered again, its tokens must be verified again.
    if (known && this.keys.get(known.keyid)?.publicKey === known.publicKey) return known;
    const claims = this.verifiedClaims(token);
    if (claims) this.verified.set(token, claims);
    return claims;
  }

  private verifiedClaims(token: string): Claims | undefined {
    const [head = '', claims = '', signature = '', ...rest] = token.split('.');
    const { alg, kid } = jsonIn(head);
    const { iss, iat } = jsonIn(claims);
    if (rest.length > 0 || alg !== 'ES256' || typeof kid !== 'string') return undefined;
    if (typeof iss !== 'string' || typeof iat !== 'number') return undefined;
    const publicKey = this.keys.get(kid)?.publicKey;
    if (publicKey === undefined) return undefined;
    const signed = Buffer.from(`${head}.${claims}`);
    const check = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
    if (!verify('sha256', signed, check, Buffer.from(signature, 'base64url'))) return undefined;
    return { keyid: kid, issuer: iss, issuedAtMs: iat * 1000, publicKey };
  }
}

interface Claims {
  readonly keyid: string;
  readonly issuer: string;
  readonly issuedAtMs: number;
  readonly publicKey: KeyObject;
}

function forbidden(reason: string): Refusal {
  return { status: 403, reason };
}

function jsonIn(segment: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(segment, 'base64url').toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}
