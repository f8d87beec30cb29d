import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';
import { CredentialError, pushCertificate, signingKey } from './apns.credentials';
import { apnsOptions, certificateOf } from './apns.options';
import { keystores } from './testing/keystores';

const topic = 'com.example.ec';
const bytes = (name: keyof typeof keystores) => Buffer.from(keystores[name].keystore, 'base64');

it.each(['utf8', 'aria', 'legacy', 'unencrypted'] as const)('opens a keystore that OpenSSL wrote: %s', (name) => {
  const { topics, notAfter, identity } = pushCertificate(bytes(name), keystores[name].password);
  expect(topics).toEqual([topic]);
  expect(new Date(notAfter).getUTCFullYear()).toBe(2126);
  expect(Object.keys(identity)).toEqual(name === 'legacy' ? ['cert', 'key'] : ['pfx', 'passphrase']);
});

it.each(['utf8', 'legacy'] as const)('opens a keystore with further bytes behind it: %s', (name) => {
  const followed = Buffer.concat([bytes(name), Buffer.from('\n')]);
  expect(pushCertificate(followed, keystores[name].password).topics).toEqual([topic]);
});

it.each([
  ['utf8', 'wrong', 'cannot be opened with this password'],
  ['legacy', 'wrong', 'cannot be opened with this password'],
  ['withoutKey', 'secret', 'contains no private key; export the certificate together with its key'],
  ['withoutCertificate', 'secret', 'contains no certificate that belongs to its key'],
] as const)('names the fault of the keystore %s with the password %s', (name, password, sentence) => {
  expect(() => pushCertificate(bytes(name), password)).toThrow(sentence);
});

it.each([
  ['lines of 76 characters', (text: string) => text.replace(/.{76}/g, '$&\n')],
  ['line ends of Windows', (text: string) => `${text.replace(/.{64}/g, '$&\r\n')}\r\n`],
  ['a byte order mark', (text: string) => `\ufeff${text}`],
])('accepts base64 with %s', (_, written) => {
  const { keystore, password } = keystores.utf8;
  const options = apnsOptions.parse({ keystore: written(keystore), password });
  expect(options.keystore).toBe(keystore);
  expect(certificateOf(options)).toBe(certificateOf(options));
  expect(certificateOf(options).topics).toEqual([topic]);
});

/** A keystore without a checksum, so that damage is found only by the parsers of its parts. */
function withoutChecksum(bits: number): Buffer {
  const { privateKey, publicKey } = forge.pki.rsa.generateKeyPair(bits);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  certificate.setSubject([{ name: 'commonName', value: 'Apple Push Services' }]);
  certificate.sign(privateKey, forge.md.sha256.create());
  const options = { algorithm: 'aes256', count: 1, useMac: false } as const;
  const file = forge.pkcs12.toPkcs12Asn1(privateKey, [certificate], 'secret', options);
  return Buffer.from(forge.asn1.toDer(file).getBytes(), 'binary');
}

it('refuses a key that TLS does not allow, with each parser of keystores', () => {
  expect(() => pushCertificate(withoutChecksum(512), 'secret')).toThrow(
    /^contains a key or signature that TLS refuses/,
  );
});

it('reports any damaged file as unreadable', () => {
  const whole = withoutChecksum(1024);
  expect(pushCertificate(whole, 'secret').topics).toEqual([]);
  const faults = new Set<string>();
  for (let at = 0; at < whole.length; at += 5) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 0x55;
    try {
      pushCertificate(damaged, 'secret');
    } catch (error) {
      expect(error).toBeInstanceOf(CredentialError);
      faults.add((error as Error).message);
    }
  }
  expect(faults).toContain('contains a key or certificate that cannot be read');
});

it('reports an encrypted signing key', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
  expect(() => signingKey(pem)).toThrow('is encrypted with a passphrase');
});
