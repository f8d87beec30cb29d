import type { KeyObject } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';

/** The time between two tokens. Apple accepts a token for an hour, and at most one new token every 20 minutes. */
const periodMs = 40 * 60 * 1000;

/** A token is used only from this age on. Otherwise a clock that is ahead would create a token with a future issue time. */
const leewayMs = 5 * 60 * 1000;

/** The team and the key of a token. */
interface ProviderTokenParts {
  readonly keyid: string;
  readonly teamid: string;
  readonly key: KeyObject;
}

/**
 * Returns a function for the provider token of a key at a time in ms since the epoch. The token is 5 to 45 minutes old. Every
 * process creates the same token, byte for byte, because its issue time is a multiple of 40 minutes and its signature is
 * deterministic (RFC 6979). So all processes use one token for each key without communicating; docs/adr/0008.
 */
export function providerToken({ keyid, teamid, key }: ProviderTokenParts): (now: number) => string {
  const secret = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
  let period = NaN;
  let token = '';
  return (now) => {
    const current = Math.floor((now - leewayMs) / periodMs);
    if (current !== period) {
      const claims = { iss: teamid, iat: (current * periodMs) / 1000 };
      const signed = `${segment({ alg: 'ES256', kid: keyid })}.${segment(claims)}`;
      token = `${signed}.${Buffer.from(p256.sign(Buffer.from(signed), secret)).toString('base64url')}`;
      period = current;
    }
    return token;
  };
}

function segment(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
