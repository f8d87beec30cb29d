import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import { PnsError } from '@pns/runtime';

const format = 1;
const [keyIdBytes, ivBytes, tagBytes] = [4, 12, 16];
const headBytes = 1 + keyIdBytes + ivBytes + tagBytes;

interface Key {
  readonly id: Buffer;
  readonly bytes: Buffer;
}

/**
 * Encrypts secrets for Postgres with AES-256-GCM. The first key encrypts and every key decrypts, so a key is rotated by adding a
 * new one before it. `place` names the column of a secret, or the row too; the secret cannot be decrypted with another `place`.
 */
export class Seal {
  private readonly keys: readonly Key[];

  /** Each of `keys` has 32 bytes. Without a key, `seal` and `open` throw. */
  constructor(keys: readonly Buffer[]) {
    this.keys = keys.map((bytes) => ({ bytes, id: hash('sha256', bytes, 'buffer').subarray(0, keyIdBytes) }));
  }

  /** @throws PnsError `ENCRYPTION_KEY_MISSING` without a key. */
  seal(text: string, place: string): Buffer {
    const key = this.first();
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', key.bytes, iv).setAAD(Buffer.from(place));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.of(format), key.id, iv, cipher.getAuthTag(), sealed]);
  }

  /** The id of the first key, as bytes 2 to 5 of a secret contain it. @throws PnsError `ENCRYPTION_KEY_MISSING` without a key. */
  get currentKeyId(): Buffer {
    return this.first().id;
  }

  private first(): Key {
    return this.keys[0] ?? refuse('There is no key to encrypt with; set PNS_ENCRYPTION_KEY.');
  }

  /** Whether a secret was encrypted with the first key, so that no other key is needed. */
  isCurrent(sealed: Buffer): boolean {
    return this.keys[0]?.id.equals(sealed.subarray(1, 1 + keyIdBytes)) === true;
  }

  /** @throws PnsError `ENCRYPTION_KEY_MISSING` when the key of the secret is missing, `SECRET_UNREADABLE` when it was altered. */
  open(sealed: Buffer, place: string): string {
    const id = sealed.subarray(1, 1 + keyIdBytes);
    const key =
      this.keys.find((each) => each.id.equals(id)) ??
      refuse(
        'The secret was encrypted with a key that PNS_ENCRYPTION_KEY does not contain; add this key after the others.',
      );
    try {
      const iv = sealed.subarray(1 + keyIdBytes, headBytes - tagBytes);
      const decipher = createDecipheriv('aes-256-gcm', key.bytes, iv, { authTagLength: tagBytes })
        .setAAD(Buffer.from(place))
        .setAuthTag(sealed.subarray(headBytes - tagBytes, headBytes));
      return decipher.update(sealed.subarray(headBytes), undefined, 'utf8') + decipher.final('utf8');
    } catch (cause) {
      throw new PnsError('SECRET_UNREADABLE', `The secret of ${place} was altered or copied from another place.`, {
        cause,
      });
    }
  }
}

function refuse(sentence: string): never {
  throw new PnsError('ENCRYPTION_KEY_MISSING', sentence);
}
