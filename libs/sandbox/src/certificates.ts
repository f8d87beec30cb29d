import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import forge from 'node-forge';

/** A certificate and its key, both as PEM. */
interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority for the life of this process. Clients must trust its `cert`. */
export interface Authority {
  readonly cert: string;
  /** The name or address under which clients reach the servers. */
  readonly hostname: string;
  /** A server's identity for `hostname`, `localhost` and this machine's loopback addresses. */
  readonly server: Identity;
  /** An identity of a client, such as an app's push certificate, with the attributes and extensions Apple gives it. */
  client(commonName: string, attributes?: forge.pki.CertificateField[]): Identity;
  /** An identity as a PKCS #12 file. */
  pkcs12(identity: Identity, password: string): Buffer;
}

const dayMs = 24 * 60 * 60 * 1000;
const keyBits = 2048;

/**
 * Creates a new authority. All its certificates have the same key pair, because generating a key pair takes some hundred ms
 * and the sandbox has no secrets.
 */
export function makeAuthority(hostname = 'localhost'): Authority {
  const keys = forge.pki.rsa.generateKeyPair({ bits: keyBits });
  const name = [{ name: 'commonName', value: 'PNS sandbox authority' }];
  const own = certificate(keys.publicKey, name, name, keys.privateKey, [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  ]);
  const certify = (subject: forge.pki.CertificateField[], extensions: object[]): Identity => {
    const made = certificate(keys.publicKey, subject, name, keys.privateKey, extensions);
    return { cert: forge.pki.certificateToPem(made), key: forge.pki.privateKeyToPem(keys.privateKey) };
  };
  return {
    cert: forge.pki.certificateToPem(own),
    hostname,
    server: certify(
      [{ name: 'commonName', value: hostname }],
      [{ name: 'extKeyUsage', serverAuth: true }, serverNames(hostname)],
    ),
    client: (commonName, attributes = []) =>
      certify([{ name: 'commonName', value: commonName }, ...attributes], [{ name: 'extKeyUsage', clientAuth: true }]),
    pkcs12,
  };
}

function serverNames(hostname: string): object {
  const own = isIP(hostname) === 0 ? { type: 2, value: hostname } : { type: 7, ip: hostname };
  const loopback = [
    { type: 2, value: 'localhost' },
    { type: 7, ip: '127.0.0.1' },
    { type: 7, ip: '::1' },
  ];
  return { name: 'subjectAltName', altNames: [own, ...loopback] };
}

function certificate(
  publicKey: forge.pki.rsa.PublicKey,
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
  signer: forge.pki.rsa.PrivateKey,
  extensions: object[],
): forge.pki.Certificate {
  const made = forge.pki.createCertificate();
  made.publicKey = publicKey;
  made.serialNumber = `01${randomBytes(15).toString('hex')}`; // begins with 01, so that it is positive in DER and has no redundant zero
  made.validity.notBefore = new Date(Date.now() - dayMs);
  made.validity.notAfter = new Date(Date.now() + 30 * dayMs);
  made.setSubject(subject);
  made.setIssuer(issuer);
  made.setExtensions(extensions);
  made.sign(signer, forge.md.sha256.create());
  return made;
}

function pkcs12({ cert, key }: Identity, password: string): Buffer {
  const asn1 = forge.pkcs12.toPkcs12Asn1(
    forge.pki.privateKeyFromPem(key),
    [forge.pki.certificateFromPem(cert)],
    password,
    { algorithm: '3des', count: 1 }, // only one round of hashing, because forge hashes slowly in JavaScript
  );
  return Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'binary');
}
