import { PnsError } from '@pns/runtime';
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { clockToleranceSeconds, maxSessionTtlSeconds } from './session';

/** What session tokens are checked with. */
export interface TokenKeys {
  /** What a good token claims; rejects with jose's error for any other, and with ours when that cannot be told now. */
  readonly claims: (token: string) => Promise<JWTPayload>;
  /** What to do for a token. */
  readonly advice: string;
  /** What we sign with; absent where somebody else does. */
  readonly secret?: Uint8Array;
}

/** The one algorithm we sign with; naming it at verification keeps out `none` and whatever else a header claims. */
export const ownAlgorithm = 'HS256';

/** What is signed with a key that is not published. */
const algorithmsOfOthers = ['RS', 'PS', 'ES'].flatMap((family) => ['256', '384', '512'].map((bits) => family + bits));

/** Somebody waits for a handshake while keys are fetched, in ms. They are kept for ten minutes, and fetched again for a new one. */
const fetchTimeoutMs = 3000;

export function ownKeys(text: string): TokenKeys {
  const secret = new TextEncoder().encode(text);
  return {
    secret,
    advice: 'ask POST /v1/sessions for one',
    claims: async (token) => (await jwtVerify(token, secret, { algorithms: [ownAlgorithm] })).payload,
  };
}

/** The keys that an identity provider publishes as a JSON Web Key Set at `url`. */
export function providersKeys(url: URL): TokenKeys {
  const published = reachable(createRemoteJWKSet(url, { timeoutDuration: fetchTimeoutMs }));
  const options = {
    algorithms: [...algorithmsOfOthers, 'EdDSA'],
    clockTolerance: clockToleranceSeconds,
    // However long the provider lets it live: longer than this we do not remember that it was ended.
    maxTokenAge: maxSessionTtlSeconds,
  };
  return {
    advice: 'ask the identity provider for one',
    claims: async (token) => {
      const { payload } = await jwtVerify(token, published, options);
      const { exp, iat = 0 } = payload;
      return exp === undefined ? payload : { ...payload, exp: Math.min(exp, iat + maxSessionTtlSeconds) };
    },
  };
}

/** Tells a token of nobody's key from keys that could not be had. */
function reachable(published: JWTVerifyGetKey): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await published(header, token);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) throw cause;
      throw new PnsError('SESSION_KEYS_UNREACHABLE', "The identity provider's keys cannot be had; try again soon.", {
        cause,
      });
    }
  };
}
