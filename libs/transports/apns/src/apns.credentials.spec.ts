import { pushCertificate } from './apns.credentials';
import { apnsOptions, certificateOf } from './apns.options';
import { keystores } from './testing/keystores';

const topic = 'com.example.ec';
const bytes = (name: keyof typeof keystores) => Buffer.from(keystores[name].keystore, 'base64');

it.each(['utf8', 'aria', 'legacy', 'unencrypted'] as const)('opens what OpenSSL wrote: %s', (name) => {
  const { topics, notAfter, identity } = pushCertificate(bytes(name), keystores[name].password);
  expect(topics).toEqual([topic]);
  expect(new Date(notAfter).getUTCFullYear()).toBe(2126);
  expect(Object.keys(identity)).toEqual(name === 'legacy' ? ['cert', 'key'] : ['pfx', 'passphrase']);
});

it.each(['utf8', 'legacy'] as const)('opens a file that something follows: %s', (name) => {
  const followed = Buffer.concat([bytes(name), Buffer.from('\n')]);
  expect(pushCertificate(followed, keystores[name].password).topics).toEqual([topic]);
});

it.each([
  ['utf8', 'wrong', 'cannot be opened with this password'],
  ['legacy', 'wrong', 'cannot be opened with this password'],
  ['withoutKey', 'secret', 'holds no private key; export the certificate together with its key'],
  ['withoutCertificate', 'secret', 'holds no certificate that belongs to its key'],
] as const)('says what is wrong with %s and the password %s', (name, password, sentence) => {
  expect(() => pushCertificate(bytes(name), password)).toThrow(sentence);
});

it.each([
  ['lines of 76', (text: string) => text.replace(/.{76}/g, '$&\n')],
  ['lines of Windows', (text: string) => `${text.replace(/.{64}/g, '$&\r\n')}\r\n`],
  ['a byte order mark', (text: string) => `\ufeff${text}`],
])('takes base64 with %s', (_, written) => {
  const { keystore, password } = keystores.utf8;
  const options = apnsOptions.parse({ keystore: written(keystore), password });
  expect(options.keystore).toBe(keystore);
  expect(certificateOf(options)).toBe(certificateOf(options));
  expect(certificateOf(options).topics).toEqual([topic]);
});
