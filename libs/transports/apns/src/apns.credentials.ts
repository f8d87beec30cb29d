import { createPrivateKey, type KeyObject } from 'node:crypto';
import forge from 'node-forge';

/** An app's push certificate with its key, opened. */
export interface PushCertificate {
  /** The certificate and the chain that came with it, as PEM. */
  readonly cert: string;
  /** PEM, not encrypted. */
  readonly key: string;
  /** When it expires, in ms since the epoch. */
  readonly notAfter: number;
  /** The topics that it may push to; empty when it does not say. The first one is meant where a push names none. */
  readonly topics: readonly string[];
  /** The sides of Apple that it is for; empty when it does not say. */
  readonly environments: readonly ('production' | 'development')[];
}

/** What is wrong with a credential, in a sentence for whoever gave it. Holds nothing of the credential. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
}

/** Apple's own extensions and attributes of a push certificate. */
const oid = {
  userId: '0.9.2342.19200300.100.1.1',
  development: '1.2.840.113635.100.6.3.1',
  production: '1.2.840.113635.100.6.3.2',
  topics: '1.2.840.113635.100.6.3.6',
};

/**
 * Opens a PKCS #12 file. It is taken apart here and not by TLS, because what Keychain Access exports is encrypted with
 * RC2, which OpenSSL 3 refuses. Throws a `CredentialError`.
 */
export function pushCertificate(pkcs12: Buffer, password: string): PushCertificate {
  const file = opened(pkcs12, password);
  const key = [...bags(file, forge.pki.oids['pkcs8ShroudedKeyBag']), ...bags(file, forge.pki.oids['keyBag'])][0]?.key;
  if (!key) throw new CredentialError('holds no RSA private key; export the certificate together with its key');
  const certificates = bags(file, forge.pki.oids['certBag']).flatMap(({ cert }) => (cert ? [cert] : []));
  const own = certificates.find(({ publicKey }) => (publicKey as forge.pki.rsa.PublicKey).n.equals(key.n));
  if (own === undefined) throw new CredentialError('holds no certificate that belongs to its key');
  const chain = [own, ...certificates.filter((each) => each !== own)];
  return {
    cert: chain.map((each) => forge.pki.certificateToPem(each)).join(''),
    key: forge.pki.privateKeyToPem(key),
    notAfter: own.validity.notAfter.getTime(),
    topics: topicsOf(own),
    environments: (['production', 'development'] as const).filter((each) => extension(own, oid[each])),
  };
}

/** Reads the .p8 file of a signing key. Throws a `CredentialError`. */
export function signingKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new CredentialError('is no private key in PEM; give the .p8 file as Apple handed it out');
  }
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new CredentialError('is not a key for ES256 (P-256); give the .p8 file as Apple handed it out');
  }
  return key;
}

function opened(pkcs12: Buffer, password: string): forge.pkcs12.Pkcs12Pfx {
  let asn1: forge.asn1.Asn1;
  try {
    asn1 = forge.asn1.fromDer(pkcs12.toString('binary'));
  } catch {
    throw new CredentialError('is no PKCS #12 file');
  }
  try {
    return forge.pkcs12.pkcs12FromAsn1(asn1, false, password);
  } catch (cause) {
    if (/password|PKCS#12 MAC/i.test((cause as Error).message)) {
      throw new CredentialError('cannot be opened with this password');
    }
    throw new CredentialError('is no PKCS #12 file that can be read; export it anew, with an RSA key');
  }
}

function bags(file: forge.pkcs12.Pkcs12Pfx, bagType: string | undefined): readonly forge.pkcs12.Bag[] {
  return (bagType !== undefined && file.getBags({ bagType })[bagType]) || [];
}

/** The app's own topic stands in the subject; a certificate for several lists all of them in an extension. */
function topicsOf(certificate: forge.pki.Certificate): string[] {
  const { value: own } = (certificate.subject.getField({ type: oid.userId }) ?? {}) as { value?: unknown };
  const listed = extension(certificate, oid.topics)?.value;
  return [...new Set([...(typeof own === 'string' ? [own] : []), ...textsIn(listed)])];
}

function extension({ extensions }: forge.pki.Certificate, id: string): { readonly value?: string } | undefined {
  return (extensions as readonly { readonly id?: string; readonly value?: string }[]).find((each) => each.id === id);
}

function textsIn(der: string | undefined): string[] {
  if (der === undefined) return [];
  const { value } = forge.asn1.fromDer(der);
  return (Array.isArray(value) ? value : [])
    .filter(({ type }) => type === forge.asn1.Type.UTF8)
    .map((text) => text.value as string);
}
