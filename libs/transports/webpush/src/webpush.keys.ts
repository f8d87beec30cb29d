import { createECDH, createPrivateKey, ECDH, type KeyObject } from 'node:crypto';

/** The curve of RFC 8291 and RFC 8292, by OpenSSL's name. */
export const curve = 'prime256v1';

/** Bytes of an uncompressed point, of a private key, and of the secret that a browser shares with the server. */
const [pointBytes, privateKeyBytes, authBytes] = [65, 32, 16] as const;

/** A pair of keys for VAPID (RFC 8292), in base64url as browsers and other libraries spell them. */
export interface VapidKeys {
  /** The uncompressed point, which browsers call `applicationServerKey`. */
  readonly publicKey: string;
  readonly privateKey: string;
}

/** Makes a new pair of keys. */
export function newVapidKeys(): VapidKeys {
  const pair = createECDH(curve);
  const publicKey = pair.generateKeys('base64url');
  // OpenSSL omits leading zeros.
  const privateKey = Buffer.concat([Buffer.alloc(privateKeyBytes), pair.getPrivateKey()]).subarray(-privateKeyBytes);
  return { publicKey, privateKey: privateKey.toString('base64url') };
}

/** Decodes base64url, also with the padding and the characters of base64; undefined for other text. */
function bytesOf(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  // A single character at the end has too few bits for a byte.
  return text.replace(/=+$/, '').length % 4 === 1 ? undefined : bytes;
}

/** Whether a text is an uncompressed point on the curve. */
export function isPublicKey(text: string): boolean {
  const bytes = bytesOf(text);
  if (bytes === undefined || bytes.length !== pointBytes || bytes[0] !== 4) return false;
  try {
    ECDH.convertKey(bytes, curve);
    return true;
  } catch {
    return false; // the point is not on the curve
  }
}

/** Whether a text is the secret that a browser shares with the server. */
export function isAuthSecret(text: string): boolean {
  return bytesOf(text)?.length === authBytes;
}

/** Whether a private key belongs to a public key. */
export function isPair({ publicKey, privateKey }: VapidKeys): boolean {
  const bytes = bytesOf(privateKey);
  if (bytes === undefined || bytes.length !== privateKeyBytes || !isPublicKey(publicKey)) return false;
  const pair = createECDH(curve);
  try {
    pair.setPrivateKey(bytes);
    return pair.getPublicKey().equals(Buffer.from(publicKey, 'base64url'));
  } catch {
    return false; // the number is 0, or not below the order of the curve
  }
}

/** The same key in base64url without padding. */
export function normalKey(text: string): string {
  return Buffer.from(text, 'base64url').toString('base64url');
}

/** The private key for signatures. The keys must be a pair. */
export function signingKey({ publicKey, privateKey }: VapidKeys): KeyObject {
  const point = Buffer.from(publicKey, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x, y, d: normalKey(privateKey) }, format: 'jwk' });
}
