import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import forge from 'node-forge';
import { keystoreRounds, maxKeystoreRounds } from './apns.keystore-rounds';

/** The identity for TLS: a PKCS #12 file, or its content as PEM. */
type PushIdentity =
  { readonly pfx: Buffer; readonly passphrase: string } | { readonly cert: string; readonly key: string };

/** An app's push certificate with its key. */
export interface PushCertificate {
  readonly identity: PushIdentity;
  /** When the certificate expires, in ms since the epoch. */
  readonly notAfter: number;
  /** The topics to which the certificate may push; empty if it names none. A push without a topic goes to the first topic. */
  readonly topics: readonly string[];
  /** The environments of Apple for which the certificate is valid; empty if it names none. */
  readonly environments: readonly ('production' | 'development')[];
}

/** A fault of a credential. The message is the end of a sentence and contains no part of the credential. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
}

/** Apple's own extensions and attributes of a push certificate. */
const oid = {
  development: '1.2.840.113635.100.6.3.1',
  production: '1.2.840.113635.100.6.3.2',
  topics: '1.2.840.113635.100.6.3.6',
};

/**
 * Opens a PKCS #12 file. OpenSSL is tried first, because it supports more ciphers, keys and encodings of passwords than any library.
 * OpenSSL refuses the files of Keychain Access, which are encrypted with RC2; node-forge opens them.
 *
 * @throws CredentialError
 */
export function pushCertificate(pkcs12: Buffer, password: string): PushCertificate {
  try {
    return openedCertificate(pkcs12, password);
  } catch (cause) {
    if (cause instanceof CredentialError) throw cause;
    // A parser refused a part of the file, because the part is damaged or OpenSSL does not allow its key.
    const { message } = cause as Error;
    throw new CredentialError(isTooWeak(message) ? tooWeak : 'contains a key or certificate that cannot be read', {
      cause,
    });
  }
}

function openedCertificate(pkcs12: Buffer, password: string): PushCertificate {
  if (keystoreRounds(pkcs12) > maxKeystoreRounds) {
    throw new CredentialError(`needs more than ${maxKeystoreRounds} rounds of hashing; export it again with fewer`);
  }
  const identity = isReadByOpenssl(pkcs12, password)
    ? { pfx: pkcs12, passphrase: password }
    : identityReadByForge(pkcs12, password);
  const certificate = ownCertificate(identity);
  const extensions = extensionsOf(certificate);
  return {
    identity,
    notAfter: Date.parse(certificate.validTo),
    topics: [...new Set([...userIds(certificate), ...textsIn(extensions.get(oid.topics))])],
    environments: (['production', 'development'] as const).filter((each) => extensions.has(oid[each])),
  };
}

/** Reads the .p8 file of a signing key. @throws CredentialError */
export function signingKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    const what = /ENCRYPTED/.test(pem) ? 'is encrypted with a passphrase' : 'is not a private key in PEM';
    throw new CredentialError(`${what}; give the .p8 file as Apple issued it`);
  }
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new CredentialError('is not a key for ES256 (P-256); give the .p8 file as Apple issued it');
  }
  return key;
}

/** Whether OpenSSL opens the file; false if node-forge may open it. @throws CredentialError for other faults */
function isReadByOpenssl(pfx: Buffer, passphrase: string): boolean {
  try {
    createSecureContext({ pfx, passphrase });
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // `mac absent` is the error for an encrypted file without a checksum.
    if (code === 'ERR_CRYPTO_UNSUPPORTED_OPERATION' || /mac absent/.test(message)) return false;
    throw new CredentialError(opensslSentence(message));
  }
}

function opensslSentence(message: string): string {
  if (/mac verify failure/.test(message)) return 'cannot be opened with this password';
  if (/private key/.test(message)) return noKey;
  if (/certificate from PFX/.test(message)) return noCertificate;
  if (isTooWeak(message)) return tooWeak;
  return 'is not a PKCS #12 file';
}

function isTooWeak(message: string): boolean {
  return /too small|too weak/.test(message);
}

const tooWeak = 'contains a key or signature that TLS refuses as too weak';
const noKey = 'contains no private key; export the certificate together with its key';
const noCertificate = 'contains no certificate that belongs to its key';

function identityReadByForge(pkcs12: Buffer, password: string): PushIdentity {
  const file = openedByForge(pkcs12, password);
  const keys = [...bags(file, forge.pki.oids['pkcs8ShroudedKeyBag']), ...bags(file, forge.pki.oids['keyBag'])];
  const [key] = keys.flatMap(({ key: rsaKey, asn1 }) => {
    if (rsaKey) return [forge.pki.privateKeyToPem(rsaKey)];
    return (asn1 as forge.asn1.Asn1 | undefined) ? [forge.pki.privateKeyInfoToPem(asn1)] : [];
  });
  if (key === undefined) throw new CredentialError(noKey);
  const certificates = bags(file, forge.pki.oids['certBag']).map(({ cert, asn1 }) =>
    cert ? forge.pki.certificateToPem(cert) : new X509Certificate(derOf(asn1)).toString(),
  );
  const privateKey = createPrivateKey(key);
  const own = certificates.find((pem) => new X509Certificate(pem).checkPrivateKey(privateKey));
  if (own === undefined) throw new CredentialError(noCertificate);
  return { cert: [own, ...certificates.filter((each) => each !== own)].join('\n'), key };
}

/** Options of `fromDer`, which the types of the package still declare as a boolean. */
const withRest = { parseAllBytes: false } as unknown as boolean;

function openedByForge(pkcs12: Buffer, password: string): forge.pkcs12.Pkcs12Pfx {
  try {
    // Bytes after the end of the file's structure are ignored, as by OpenSSL.
    const asn1 = forge.asn1.fromDer(pkcs12.toString('binary'), withRest);
    return forge.pkcs12.pkcs12FromAsn1(asn1, false, password);
  } catch (cause) {
    if (/password|PKCS#12 MAC/i.test((cause as Error).message)) {
      throw new CredentialError('cannot be opened with this password');
    }
    const sentence =
      'is encrypted in a way that PNS does not support; export it again with AES-256, as openssl pkcs12 -export does';
    throw new CredentialError(sentence, { cause });
  }
}

function bags(file: forge.pkcs12.Pkcs12Pfx, bagType: string | undefined): readonly forge.pkcs12.Bag[] {
  return (bagType !== undefined && file.getBags({ bagType })[bagType]) || [];
}

/** The certificate that a TLS connection would present. Nothing is sent. */
function ownCertificate(identity: PushIdentity): X509Certificate {
  const socket = new TLSSocket(new PassThrough(), { secureContext: createSecureContext(identity) });
  socket.on('error', () => undefined);
  try {
    const { raw } = socket.getCertificate() as { readonly raw: Buffer };
    return new X509Certificate(raw);
  } finally {
    socket.destroy();
  }
}

/** The user ids in the subject, where Apple writes the topic of the app itself. */
function userIds(certificate: X509Certificate): string[] {
  const { UID: ids } = certificate.toLegacyObject().subject as { readonly UID?: string | string[] };
  return ids === undefined ? [] : [ids].flat();
}

/** The content of each extension by its object identifier, from the DER, because Node returns only extensions that TLS needs. */
function extensionsOf({ raw }: X509Certificate): ReadonlyMap<string, string> {
  const [toBeSigned] = partsOf(forge.asn1.fromDer(raw.toString('binary')));
  const list = partsOf(toBeSigned).find(
    ({ tagClass, type }) => tagClass === forge.asn1.Class.CONTEXT_SPECIFIC && (type as number) === 3,
  );
  return new Map(
    partsOf(partsOf(list)[0]).map((extension) => {
      const [id, ...rest] = partsOf(extension);
      return [forge.asn1.derToOid(forge.util.createBuffer(textOf(id))), textOf(rest.at(-1))];
    }),
  );
}

/** The texts in the DER of an extension: the topics of a certificate for several topics. */
function textsIn(der: string | undefined): string[] {
  if (der === undefined) return [];
  return partsOf(forge.asn1.fromDer(der))
    .filter(({ type }) => type === forge.asn1.Type.UTF8)
    .map(textOf);
}

function partsOf(node: forge.asn1.Asn1 | undefined): readonly forge.asn1.Asn1[] {
  return Array.isArray(node?.value) ? node.value : [];
}

function textOf(node: forge.asn1.Asn1 | undefined): string {
  return typeof node?.value === 'string' ? node.value : '';
}

function derOf(asn1: forge.asn1.Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'binary');
}
