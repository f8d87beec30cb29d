import { PnsError } from '@pns/runtime';
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { clockToleranceSeconds, maxSessionTtlSeconds } from './session';

/** The keys that verify session tokens. */
export interface TokenKeys {
  /** The claims of a valid token. Rejects with jose's error for any other token, and with PnsError when the keys are not available. */
  readonly claims: (token: string) => Promise<JWTPayload>;
  /** How to get a token, as the end of an error message. */
  readonly advice: string;
  /** The key that signs; absent where an identity provider signs. */
  readonly secret?: Uint8Array;
}

/** The only algorithm of tokens that PNS signs. The verification requires it, so that `none` and other algorithms are refused. */
export const ownAlgorithm = 'HS256';

/** The RSA and ECDSA algorithms. Identity providers may use them, because the public keys can be published. */
const algorithmsOfOthers = ['RS', 'PS', 'ES'].flatMap((family) => ['256', '384', '512'].map((bits) => family + bits));

/**
 * Time limit for fetching the keys, in ms, because a handshake waits meanwhile. Keys are cached for ten minutes and fetched again
 * for an unknown key id.
 */
const fetchTimeoutMs = 3000;

export function ownKeys(text: string): TokenKeys {
  const secret = new TextEncoder().encode(text);
  return {
    secret,
    advice: 'request a new one with POST /v1/sessions',
    claims: async (token) => (await jwtVerify(token, secret, { algorithms: [ownAlgorithm] })).payload,
  };
}

/** The keys that an identity provider publishes as a JSON Web Key Set at `url`. */
export function providersKeys(url: URL): TokenKeys {
  const published = reachable(createRemoteJWKSet(url, { timeoutDuration: fetchTimeoutMs }));
  const options = {
    algorithms: [...algorithmsOfOthers, 'EdDSA'],
    clockTolerance: clockToleranceSeconds,
    // The limit also applies if the provider issues tokens with a longer life, because an ended session is stored only for this time.
    maxTokenAge: maxSessionTtlSeconds,
  };
  return {
    advice: 'request a new one from the identity provider',
    claims: async (token) => {
      const { payload } = await jwtVerify(token, published, options);
      const { exp, iat = 0 } = payload;
      return exp === undefined ? payload : { ...payload, exp: Math.min(exp, iat + maxSessionTtlSeconds) };
    },
  };
}

/** Wraps `published`: rejects with PnsError if the keys cannot be fetched, and with jose's error for an unknown key. */
function reachable(published: JWTVerifyGetKey): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await published(header, token);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) throw cause;
      throw new PnsError(
        'SESSION_KEYS_UNREACHABLE',
        "The identity provider's keys cannot be fetched; retry in a moment.",
        {
          cause,
        },
      );
    }
  };
}
