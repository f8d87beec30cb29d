import { createCipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';
import { curve } from './webpush.keys';

/** The longest body that every push service accepts, in bytes. Source: RFC 8291, 4. */
export const maxBodyBytes = 4096;

/** Bytes of the parts of a body. Source: RFC 8188, 2.1: salt, record size, length of the key, key; then the record. */
const [saltBytes, sizeBytes, lengthBytes, keyBytes, delimiterBytes, tagBytes] = [16, 4, 1, 65, 1, 16] as const;

/** The longest content that fits into a body. */
export const maxContentBytes =
  maxBodyBytes - saltBytes - sizeBytes - lengthBytes - keyBytes - delimiterBytes - tagBytes;

/** The keys of a browser's subscription. */
interface ReceiverKeys {
  /** The public key of the browser: an uncompressed point on the curve. */
  readonly p256dh: Buffer;
  /** The secret that the browser shares with the server. */
  readonly auth: Buffer;
}

/** The random parts of one message. */
interface MessageSecrets {
  readonly privateKey: Buffer;
  readonly salt: Buffer;
}

/**
 * Encrypts the content of one push message: RFC 8291 with one record of RFC 8188 (`aes128gcm`). `secrets` are only for
 * tests with known results; every message needs new ones.
 */
export function encrypted(content: string | Buffer, { p256dh, auth }: ReceiverKeys, secrets?: MessageSecrets): Buffer {
  const sender = createECDH(curve);
  if (secrets === undefined) sender.generateKeys();
  else sender.setPrivateKey(secrets.privateKey);
  const senderKey = sender.getPublicKey();
  const salt = secrets?.salt ?? randomBytes(saltBytes);
  const keyInfo = Buffer.concat([Buffer.from('WebPush: info\0'), p256dh, senderKey]);
  const material = derived(sender.computeSecret(p256dh), auth, keyInfo, 32);
  const key = derived(material, salt, 'Content-Encoding: aes128gcm\0', 16);
  const nonce = derived(material, salt, 'Content-Encoding: nonce\0', 12);
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  const head = Buffer.alloc(sizeBytes + lengthBytes);
  head.writeUInt32BE(maxBodyBytes);
  head.writeUInt8(keyBytes, sizeBytes);
  const text = typeof content === 'string' ? Buffer.from(content) : content;
  const lastRecord = Buffer.of(2); // the delimiter of the last record; RFC 8188, 2
  return Buffer.concat([
    ...[salt, head, senderKey],
    ...[cipher.update(text), cipher.update(lastRecord), cipher.final(), cipher.getAuthTag()],
  ]);
}

function derived(material: Buffer, salt: Buffer, info: string | Buffer, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', material, salt, info, bytes));
}
