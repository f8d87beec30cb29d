import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';
import { apnsOptions, apnsOptionsFileFor, apnsSecretFields, certificateOf } from './apns.options';
import { withRounds } from './testing/keystore-rounds';

/**
 * A keystore as Keychain Access exports it: RC2 and triple DES, which OpenSSL 3 does not read. Password `secret`, valid until
 * 2126.
 */
const legacyKeystore = [
  'MIIGgQIBAzCCBkcGCSqGSIb3DQEHAaCCBjgEggY0MIIGMDCCAy8GCSqGSIb3DQEHBqCCAyAwggMcAgEAMIIDFQYJKoZIhvcNAQcBMBwGCiqGSIb3',
  'DQEMAQYwDgQI8FxCK4znKWICAggAgIIC6PdqkCpnlj/0u2+V9XBjkRC5HgyP7LhF5uxeoCcivZ7Fx3vzXbTbL6MuS1kB8Hw1p/0iaiotNYCglIXj',
  'HUg4Q2YumqkNh+p2QwkvsH+ffFKm0vx34ZZSNB5wvROvTUUd5EfffQtlvyVPq64jKC7QfbaQHdx/qoSMtX5t8dQ5Tyc8fNDXSx46Zsy8Nrq5O9XP',
  'Dx3bny06kmDyDf/bwpvsGvAm6wI7ukUHkYDJhFzpW5OncJ5cEJKqjNMQx0YyHWC9ay7M8m4XRdKY0aHQVf9mckyueXrM3ai9Px7K6/5CgK1suoAV',
  'J9Sfj+S/tOXGz/FcUNaiqAMxlRPlUQ+M2/A9VGuXU/gNMQeEATjRcAZpP49U3ItazofZTFA8nX05vJ0ggyEQjJbMWHkOgZyq1DbZWONBt54ospyE',
  'K6Vm+Yhmq3szoADwmEG62Bfm1QCHM7VFHUCg+zcweaZ9BC1VMQTmQO7gZhA9IHPwB/gBaqW4oXWHkkGLrvzafGFPtpMVPfipVrlTCo5uReoxsO+p',
  'OOA4D/Md/ysZs/N6SJEMSyC4ZuQ2GdToZ/Y/tm0JDMfb/1sW1q+22/fH5SmTKRwsArWvkMtGnZ2IAfEUT0rOWJCxNTwlFgaM+um+ToI8jBOXpR48',
  '2/3qhNqykcRvnuwLyMh1ZBeabcxX7zh771lLHTKuLHM4qoS5iWxLLbgZbFhXKomyo++LW8x3nUC7Xt/AxquwPyGHGoG4UGCUob7EZUP6C5Dva+fU',
  'Ikv2lmIAKz8tSyKE0r/IklSawRVaR3A9QmjddJzjTeqXLnufcYwA/budORa7Di0vB88QZfQ9lyXoAHeHNGg6Q0LykkAfeKtDZ7I9H1CgDM6VLzRn',
  'uckXAewOnATv/HbG0Jrafjl3Ky5uYLJfGVt7As6cVeiS7Enx2DAlSLOmxO660hIFJYmKM53bvnkpDCOrFsk7S8zEYMFmfN1FLbiOxIvfaY3MtjpG',
  'lfc+M0iS6+b8C8BmGTCCAvkGCSqGSIb3DQEHAaCCAuoEggLmMIIC4jCCAt4GCyqGSIb3DQEMCgECoIICpjCCAqIwHAYKKoZIhvcNAQwBAzAOBAgU',
  'bO88Qb7Z0AICCAAEggKAhpihM6kwltkzUHZqqjDey9m8kMUb52ptA4+hKz4k1QDVNNNsn5oE8ZjsvaQqUHdSzEnGwoeln8bkvNw+S+GCGCL62i8C',
  'Bz1A1GdGYllJC+mtPCq9VLp6LLR9WVfRvTDeoMC7DaZaMwv0/QEGGDgM9n3KyTp1B1v0GH6cM8bJv5V4mYsZiQxIe9cO0db9caXGcuOFid3hMmFo',
  'uu/fUTVb1DSq/NOTkyOdOshNDV+ulDzLOffPVN6pRBzqQM40TlYNmPk1qSUv1h1GGlESUMD8qflI4ICaf5pFwxZ4d2uuXaTZQTr5fwBsj7M9+lHN',
  'GhDWxpMYIZ2NwtBhQtWtM65U/qnr0tcm9x/ZLVfh6TS6pYgzxD2yAsBndWKQqZ+1FeHuG3p4N/kEdEcZksADiIriq4oenNyz1RmICTUqk02PgKQ3',
  'pZHkjY/ixaGx3svlpgQBYj1uIrtZhFtSibKjCyeK2qKzdlW1LV9aEgox+E4d8nOodd7YEj9/4GsEoN1r0/OKrSMTMPblhooKUrV4JgFAbsEHtFev',
  '5wS3MBah+o1bNriHSWJe6iFWe1yYH4P/8ph7waTpVEOXqLW/GOqMjp7pnqFOEC3tf6gA20eMNTTsg5F8IvECPrOoZroVr00x9qQAPgNOkejH3jhw',
  '5iaeAWLKrDFTzAU8VnjMTLNJd2+PTNycGDvQGhr/nErNeSo5HBigiCEtuIeZmAao7meIBT8kjNFXl+Td60wQc3pnXWpowQQOg2KKcElxkuRq1duO',
  '+grOIrMSaaxD5F2kl06IvmA9szlGZxY1yJJTg2RzE5spbKUMP92khsAvngyPFri9yN6CNFTeledkNHEmdprNIaQtmTElMCMGCSqGSIb3DQEJFTEW',
  'BBS+/H0kzx6CwjFfb4g0OImlTQAUCTAxMCEwCQYFKw4DAhoFAAQUEAtQUQOcyxggMi/O4L9f85Eg4FcECIatOxx9UQdFAgIIAA==',
].join('');

const pem = (type: 'ec' | 'rsa', curve = 'P-256'): string => {
  const { privateKey } =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: curve })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
};

const jwt = { authtype: 'jwt', privatekey: pem('ec'), keyid: 'KEY0000001', teamid: 'TEAM000001', topic: 'com.example' };
const certificate = { keystore: legacyKeystore, password: 'secret' };

const apple = { development: '1.2.840.113635.100.6.3.1', production: '1.2.840.113635.100.6.3.2' };
const listOfTopics = '1.2.840.113635.100.6.3.6';

const keys = forge.pki.rsa.generateKeyPair(1024);

/** A PKCS #12 file with the extensions that Apple adds to a certificate. */
function keystore(made: {
  rounds?: number;
  side?: keyof typeof apple;
  topics?: readonly string[];
  key?: forge.pki.rsa.PrivateKey | null;
}): string {
  const own = forge.pki.createCertificate();
  own.publicKey = keys.publicKey;
  own.serialNumber = '01';
  own.validity.notAfter = new Date(Date.UTC(2020, 0, 1));
  own.setSubject([{ name: 'commonName', value: 'Apple Push Services' }]);
  own.setIssuer([{ name: 'commonName', value: 'Apple' }]);
  const { Class, Type, create, toDer } = forge.asn1;
  const texts = (made.topics ?? []).flatMap((topic) => [
    create(Class.UNIVERSAL, Type.UTF8, false, topic),
    create(Class.UNIVERSAL, Type.SEQUENCE, true, [create(Class.UNIVERSAL, Type.UTF8, false, 'app')]),
  ]);
  own.setExtensions([
    ...(made.side === undefined
      ? []
      : [{ id: apple[made.side], value: toDer(create(Class.UNIVERSAL, Type.NULL, false, '')).data }]),
    ...(made.topics === undefined
      ? []
      : [{ id: listOfTopics, value: toDer(create(Class.UNIVERSAL, Type.SEQUENCE, true, texts)).getBytes() }]),
  ]);
  own.sign(keys.privateKey, forge.md.sha256.create());
  const key = made.key === undefined ? keys.privateKey : made.key;
  const file = forge.pkcs12.toPkcs12Asn1(key, [own], 'secret', {
    algorithm: 'aes256',
    count: made.rounds ?? 1,
  });
  return forge.util.encode64(forge.asn1.toDer(file).getBytes());
}

const faultsOf = (given: unknown): string[] => {
  const { error } = apnsOptions.safeParse(given);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')} ${message}`);
};

it('every field except the credentials has a default', () => {
  expect(apnsOptions.parse(certificate)).toEqual({
    ...certificate,
    enabled: true,
    authtype: 'certificate',
    production: true,
  });
});

it('parsed options do not change when they are parsed again', () => {
  for (const given of [jwt, certificate, { enabled: false }]) {
    const options = apnsOptions.parse(given);
    expect(apnsOptions.parse(JSON.parse(JSON.stringify(options)))).toEqual(options);
  }
});

it.each<[string, object]>([
  ['a signing key', jwt],
  ['jwt in capitals', { ...jwt, authtype: 'JWT' }],
  ['a certificate as Keychain Access exports it', certificate],
  ['a certificate with its topic', { ...certificate, topic: 'com.example.legacy' }],
  ['a certificate for production and development', { keystore: keystore({}), password: 'secret', production: false }],
  [
    'a certificate for development',
    { keystore: keystore({ side: 'development' }), password: 'secret', production: false },
  ],
  [
    'a certificate with one of its topics',
    { keystore: keystore({ topics: ['a.b', 'a.b.voip'] }), password: 'secret', topic: 'a.b.voip' },
  ],
  [
    'a certificate for development at an endpoint of another provider',
    { keystore: keystore({ side: 'development' }), password: 'secret', endpoint: 'https://localhost:1' },
  ],
  ['an endpoint', { ...jwt, endpoint: 'https://localhost:3003' }],
  ['an endpoint with a slash', { ...jwt, endpoint: 'https://[::1]:3003/' }],
  ['a client that is switched off and has no credentials', { enabled: false }],
])('accepts %s', (_, given) => expect(faultsOf(given)).toEqual([]));

it.each<[string, unknown, string]>([
  ['nothing', {}, 'keystore is missing'],
  [
    'an unknown field',
    { ...jwt, keystroke: 'x' },
    'keystroke is not a field of an APNs client; the known ones are enabled, authtype, keystore,',
  ],
  [
    'the id of a file on the server',
    { password: 'secret', keystoreId: 'calendar' },
    'keystoreId is for the option file, where it names another file; give the content as keystore',
  ],
  ['another kind of credentials', { authtype: 'token' }, 'authtype must be certificate or jwt'],
  ['the wrong password', { ...certificate, password: 'wrong' }, 'keystore cannot be opened with this password'],
  ['no password', { keystore: legacyKeystore }, 'keystore cannot be opened with this password'],
  [
    'a keystore that is not PKCS #12',
    { keystore: Buffer.from('hello').toString('base64') },
    'keystore is not a PKCS #12 file',
  ],
  ['a keystore that is not base64', { keystore: '/etc/apple.p12' }, 'keystore must be a PKCS #12 file in base64'],
  [
    'a keystore that takes minutes to open',
    { keystore: withRounds(keystore({ rounds: 999 }), 999, 0x7fffff), password: 'secret' },
    'keystore needs more than 1000000 rounds of hashing',
  ],
  [
    'a keystore without a key',
    { keystore: keystore({ key: null }), password: 'secret' },
    'keystore contains no private key',
  ],
  [
    'a certificate of another key',
    { keystore: keystore({ key: forge.pki.rsa.generateKeyPair(1024).privateKey }), password: 'secret' },
    'keystore contains no certificate that belongs to its key',
  ],
  [
    'a certificate for development in production',
    { keystore: keystore({ side: 'development' }), password: 'secret' },
    'keystore is a certificate for development, and production is true',
  ],
  [
    'a certificate of another app',
    { ...certificate, topic: 'com.example.other' },
    'keystore is a certificate for com.example.legacy, and not for the topic com.example.other',
  ],
  ['a key beside a certificate', { ...certificate, keyid: 'KEY0000001' }, 'keyid belongs to authtype jwt'],
  ['a certificate beside a key', { ...jwt, keystore: legacyKeystore }, 'keystore belongs to authtype certificate'],
  ['a key without its team', { ...jwt, teamid: undefined }, 'teamid is missing; authtype jwt needs it'],
  ['a key without a topic', { ...jwt, topic: undefined }, 'topic is missing; authtype jwt needs it'],
  ['a key that is not PEM', { ...jwt, privatekey: 'secret' }, 'privatekey is not a private key in PEM'],
  ['an RSA key', { ...jwt, privatekey: pem('rsa') }, 'privatekey is not a key for ES256'],
  ['a key on another curve', { ...jwt, privatekey: pem('ec', 'P-384') }, 'privatekey is not a key for ES256'],
  ['a malformed key id', { ...jwt, keyid: 'key' }, 'keyid must be 10 capital letters and digits'],
  ['a team id that YAML reads as a number', { ...jwt, teamid: 1234567890 }, 'teamid must be a text; in YAML, quote it'],
  ['a topic that would break out of its header', { ...jwt, topic: 'a\r\nb' }, 'topic must be the bundle id'],
  ['an endpoint without TLS', { ...jwt, endpoint: 'http://localhost:1' }, 'endpoint must be https://'],
  ['an endpoint with port 0', { ...jwt, endpoint: 'https://localhost:0' }, 'endpoint has port 0'],
  ['an endpoint with a path', { ...jwt, endpoint: 'https://localhost/3/device' }, 'endpoint must be https://'],
  ['an endpoint with credentials', { ...jwt, endpoint: 'https://a:b@localhost' }, 'endpoint must be https://'],
  ['an authority that is not PEM', { ...jwt, caFile: '/etc/ca.pem' }, 'caFile must be certificates in PEM, each'],
  ['a text as a boolean', { ...jwt, production: 'false' }, 'production'],
  ['a list', [jwt], ''],
])('refuses %s', (_, given, sentence) => {
  const faults = faultsOf(given);
  expect(faults).not.toEqual([]);
  expect(faults.join('; ')).toContain(sentence);
});

it.each([
  ['a keystore that is not base64', { keystore: '/etc/apple.p12', password: 'secret' }],
  ['a keystore that is too long', { keystore: 'x'.repeat(200_001), password: 'secret' }],
  ['a keystore that is not a file', { keystore: 'aGVsbG8=', password: 'secret' }],
])('reports %s once', (_, given) => {
  expect(faultsOf(given)).toHaveLength(1);
});

it('no fault contains a secret', () => {
  const secrets = { keystore: 'c2VjcmV0LWtleXN0b3Jl', password: 'my-password', privatekey: 'my-private-key' };
  const told = [...faultsOf(secrets), ...faultsOf({ ...jwt, ...secrets })].join(' ');
  for (const secret of Object.values(secrets)) expect(told).not.toContain(secret);
  expect(Object.keys(secrets).sort()).toEqual([...apnsSecretFields].sort());
});

it('an expired certificate is accepted, so that other clients of the same file still work', () => {
  const options = apnsOptions.parse({ keystore: keystore({}), password: 'secret' });
  expect(certificateOf(options).notAfter).toBe(Date.UTC(2020, 0, 1));
});

it('the topics of a certificate are read from it', () => {
  expect(certificateOf(apnsOptions.parse(certificate)).topics).toEqual(['com.example.legacy']);
  const several = apnsOptions.parse({ keystore: keystore({ topics: ['a.b', 'a.b.voip'] }), password: 'secret' });
  expect(certificateOf(several).topics).toEqual(['a.b', 'a.b.voip']);
});

describe('the option file', () => {
  const files: Record<string, string | Buffer> = {
    'apns/key.p8': jwt.privatekey,
    'apns/app.p12': Buffer.from(legacyKeystore, 'base64'),
    'secrets/team-key': jwt.privatekey,
    'secrets/calendar.p12': Buffer.from(legacyKeystore, 'base64'),
  };
  const readFile = (path: string): Buffer => {
    const found = files[path];
    if (found === undefined) throw Object.assign(new Error('secret path'), { code: 'ENOENT' });
    return Buffer.from(found);
  };
  const file = apnsOptionsFileFor('production', readFile);

  it('names files by their paths, and results in the same options as the API', () => {
    expect(
      file.parse({
        first: { ...jwt, privatekey: 'apns/key.p8' },
        'second-ios': { ...certificate, keystore: 'apns/app.p12' },
      }),
    ).toEqual({ first: apnsOptions.parse(jwt), 'second-ios': apnsOptions.parse(certificate) });
  });

  it('accepts ids of files in secrets/, which take precedence over paths', () => {
    expect(
      file.parse({
        first: { ...jwt, privatekeyId: 'team-key', privatekey: 'nowhere.p8' },
        second: { password: 'secret', keystoreId: 'calendar.p12', keystore: 'nowhere.p12' },
      }),
    ).toEqual({ first: apnsOptions.parse(jwt), second: apnsOptions.parse(certificate) });
  });

  it.each(['../key.p8', '..', 'a/b', '', 14])('refuses the id %j, which names no file in secrets/', (id) => {
    const { error } = file.safeParse({ a: { ...jwt, privatekeyId: id } });
    expect(JSON.stringify(error?.issues)).toContain('must be the name of a file in secrets/');
  });

  it('may name missing files in entries that are switched off', () => {
    const entry = {
      ...{ enabled: false, keystore: '/path/to/keystore.p12', keystoreId: 'nowhere', privatekeyId: 'nowhere' },
      ...{ password: 'secret', production: false },
    };
    expect(file.parse({ copied: entry })).toEqual({
      copied: { enabled: false, authtype: 'certificate', password: 'secret', production: false },
    });
  });

  it.each<[string, unknown, string]>([
    [
      'the path of a missing file',
      { a: { ...certificate, keystore: 'nowhere.p12' } },
      'cannot be read (ENOENT); it must be the path of a file',
    ],
    [
      'the id of a missing file',
      { a: { password: 'x', keystoreId: 'nothing' } },
      'cannot be read (ENOENT); it must be the name of a file in secrets/',
    ],
    ['an entry that is not an object', { a: 'b' }, 'expected object'],
    ['an empty entry', { a: null }, 'expected object'],
    ['an invalid client id', { 'a b': { enabled: false } }, 'A client is'],
    ['a list', [], 'expected record'],
  ])('refuses %s', (_, given, sentence) => {
    const { error } = file.safeParse(given);
    expect(JSON.stringify(error?.issues)).toContain(sentence);
  });

  it('does not repeat a key that is given in place of its path', () => {
    const { error } = file.safeParse({ a: jwt });
    expect(error).toBeDefined();
    expect(String(error)).not.toContain(jwt.privatekey.slice(30, 60));
  });
});
