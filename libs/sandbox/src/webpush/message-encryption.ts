import { createDecipheriv, createECDH, type ECDH, hkdfSync, randomBytes } from 'node:crypto';

/** The keys of a subscription. A user agent creates them, and gives only `p256dh` and `auth` to its web app. */
export interface SubscriptionKeys {
  readonly ecdh: ECDH;
  /** An uncompressed point on P-256. */
  readonly p256dh: Buffer;
  readonly auth: Buffer;
}

const saltBytes = 16;
const pointBytes = 65;
const tagBytes = 16;
/** The bytes of a header: salt, record size, length of the key id, and the sender's public key. Source: RFC 8291, section 4. */
export const headerBytes = saltBytes + 4 + 1 + pointBytes;
/** The least bytes of a record: a delimiter and the authentication tag. */
const minRecordBytes = 1 + tagBytes;

/** Creates the keys of a subscription. */
export function newSubscriptionKeys(): SubscriptionKeys {
  const ecdh = createECDH('prime256v1');
  return { p256dh: ecdh.generateKeys(), auth: randomBytes(16), ecdh };
}

/** The header of an encrypted body, and its only record. */
interface Coded {
  readonly salt: Buffer;
  readonly senderKey: Buffer;
  readonly record: Buffer;
}

/**
 * The parts of a body in the coding `aes128gcm` with the limits of Web Push: one record, with a public key as key id.
 * Source: RFC 8188, section 2, and RFC 8291, section 4.
 *
 * @throws Error with the reason if the body has another form.
 */
function codedParts(body: Buffer): Coded {
  if (body.length < headerBytes + minRecordBytes) throw new Error('The body is shorter than a header and a record.');
  const recordSize = body.readUInt32BE(saltBytes);
  const keyIdBytes = body.readUInt8(saltBytes + 4);
  const senderKey = body.subarray(saltBytes + 5, headerBytes);
  if (keyIdBytes !== pointBytes || senderKey[0] !== 4) throw new Error('The key id is not an uncompressed point.');
  const record = body.subarray(headerBytes);
  if (recordSize < minRecordBytes + 1) throw new Error('The record size is below 18.');
  if (record.length > recordSize) throw new Error('There is more than one record.');
  return { salt: body.subarray(0, saltBytes), senderKey, record };
}

/** The fault in the header of an encrypted body; undefined if there is none. The check needs no key. */
export function codingFault(body: Buffer): string | undefined {
  try {
    codedParts(body);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * The text that a sender encrypted for these keys. Source: RFC 8291, section 3.4.
 *
 * @throws Error with the reason if a user agent could not decrypt the body.
 */
export function decrypted(body: Buffer, { ecdh, p256dh, auth }: SubscriptionKeys): Buffer {
  const { salt, senderKey, record } = codedParts(body);
  const keyInfo = Buffer.concat([Buffer.from('WebPush: info\0'), p256dh, senderKey]);
  const secret = derived(ecdh.computeSecret(senderKey), auth, keyInfo, 32);
  const key = derived(secret, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16);
  const nonce = derived(secret, salt, Buffer.from('Content-Encoding: nonce\0'), 12);
  const decipher = createDecipheriv('aes-128-gcm', key, nonce).setAuthTag(record.subarray(-tagBytes));
  const padded = Buffer.concat([decipher.update(record.subarray(0, -tagBytes)), decipher.final()]);
  const end = padded.findLastIndex((byte) => byte !== 0);
  // The delimiter is 2 in the last record, and 1 in any other record.
  if (padded[end] !== 2) throw new Error('The padding does not end the last record.');
  return padded.subarray(0, end);
}

function derived(keyMaterial: Buffer, salt: Buffer, info: Buffer, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', keyMaterial, salt, info, bytes));
}
