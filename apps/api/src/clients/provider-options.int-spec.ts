import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import forge from 'node-forge';
import { once } from 'node:events';
import { ConfigDirectory } from '@pns/config-folder';
import { testApi, type TestApi } from '../testing/test-api';

const pem = (key: { export(options: { type: 'pkcs8'; format: 'pem' }): string | Buffer }): string =>
  key.export({ type: 'pkcs8', format: 'pem' }).toString();
const rsa = pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
const p8 = pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);

const password = 'password-of-the-keystore';
const keystore = keystoreWith(password);
const serviceAccount = {
  type: 'service_account',
  project_id: 'my-project',
  private_key_id: 'id-of-the-key',
  private_key: rsa,
  client_email: 'sender@my-project.iam.gserviceaccount.com',
};
const wnsSecret = 'secret-of-the-windows-app';
const sid = 'ms-app://s-1-15-2-1-2-3-4-5-6-7';
const key = { authtype: 'jwt', privatekey: p8, keyid: 'KEY0000001', teamid: 'TEAM000001', topic: 'com.example' };

/** The secrets above; for a private key one of its lines, because JSON escapes line breaks. */
const secrets = [
  ...[password, keystore, wnsSecret, serviceAccount.private_key_id],
  ...[p8, rsa].map((text) => text.split('\n')[1] ?? ''),
];

function keystoreWith(secret: string): string {
  const keys = forge.pki.rsa.generateKeyPair(1024);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = '01';
  certificate.setSubject([{ name: 'commonName', value: 'Apple Push Services' }]);
  certificate.setIssuer([{ name: 'commonName', value: 'Apple' }]);
  certificate.sign(keys.privateKey, forge.md.sha256.create());
  const file = forge.pkcs12.toPkcs12Asn1(keys.privateKey, [certificate], secret, { algorithm: 'aes256', count: 1 });
  return forge.util.encode64(forge.asn1.toDer(file).getBytes());
}

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const pathOf = (client: string, transport: string): string => `/v1/clients/${client}/transports/${transport}`;

it.each<[string, string, object, RegExp]>([
  ['a wrong password', 'apns', { keystore, password: 'wrong' }, /keystore cannot be opened with this password/],
  ['an invalid keystore', 'apns', { keystore: 'aGVsbG8=', password }, /keystore is not a PKCS #12 file/],
  ['an invalid key', 'apns', { ...key, privatekey: 'hello' }, /privatekey is not a private key in PEM/],
  ['a key of another kind', 'apns', { ...key, privatekey: rsa }, /privatekey is not a key for ES256/],
  ['an id of a file', 'apns', { password, keystoreId: 'app' }, /keystoreId is for the option file.* as keystore/],
  ['a server key', 'fcm', { key: wnsSecret }, /switched off in June 2024; remove it and set serviceAccount/],
  ['a server key too', 'fcm', { key: wnsSecret, serviceAccount }, /switched off in June 2024/],
  ['an account that is not JSON', 'fcm', { serviceAccount: '{"type":' }, /must be the JSON of a service account/],
  ['a broken account', 'fcm', { serviceAccount: { ...serviceAccount, private_key: 'x' } }, /RSA private key in PEM/],
  ['no secret', 'wns', { sid }, /secret is missing/],
  ['an invalid sid', 'wns', { sid: 'my-app', secret: wnsSecret }, /sid must be the Package SID/],
])('refuses %s of %s with a sentence, and stores nothing', async (_, transport, body, sentence) => {
  const answer = await api.send('PUT', pathOf('refused', transport), { body });
  expect(answer).toMatchObject({ status: 422, body: { code: 'BODY_INVALID' } });
  expect(answer.body['detail']).toMatch(sentence);
  for (const secret of secrets) expect(JSON.stringify(answer.body)).not.toContain(secret);
  expect((await api.send('GET', pathOf('refused', transport))).status).toBe(404);
});

it('no answer contains a secret of any provider', async () => {
  const options: [client: string, transport: string, options: object, secrets: string[]][] = [
    ['certificate', 'apns', { keystore, password }, ['keystore', 'password']],
    ['key', 'apns', key, ['privatekey']],
    ['account', 'fcm', { serviceAccount }, ['serviceAccount']],
    ['text', 'fcm', { serviceAccount: JSON.stringify(serviceAccount) }, ['serviceAccount']],
    ['off', 'fcm', { enabled: false, key: wnsSecret, serviceAccount }, ['key', 'serviceAccount']],
    ['windows', 'wns', { sid, secret: wnsSecret }, ['secret']],
  ];
  const answers: unknown[] = [];
  for (const [client, transport, body, named] of options) {
    const put = await api.send('PUT', pathOf(client, transport), { body });
    expect(put).toMatchObject({ status: 200, body: { client, transport, secrets: named } });
    answers.push(put.body, (await api.send('GET', pathOf(client, transport))).body);
  }
  const { body } = await api.send<{ items: object[] }>('GET', '/v1/clients');
  expect(body.items).toHaveLength(options.length);
  answers.push(body, (await api.send('GET', '/v1/audit')).body, await api.contents());
  const shown = JSON.stringify(answers);
  for (const secret of secrets) expect(shown).not.toContain(secret);
});

it('lists the faults in the option files until they are corrected', async () => {
  const files = {
    'pns-gcm-options.yml': 'old: { key: secret-of-the-server }\nexample: { enabled: false, key: x }\n',
    'pns-wns-options.yml': `good: { sid: '${sid}', secret: a }\nbad: { sid: '${sid}', secret: 12345 }\n`,
    'pns-apns-options.yml': 'mail:\n  password: "secret-in-a-broken-line\n',
    'webhooks.yml': 'crm: { uri: ftp://example.com }\n',
  };
  const faulty = await testApi({ files });
  const faults = async (): Promise<unknown> => (await faulty.send('GET', '/v1/clients')).body['faults'];
  const found = await faults();
  expect(found).toHaveLength(4);
  const sentence = (part: string): string => expect.stringContaining(part) as string;
  expect(found).toEqual(
    expect.arrayContaining([
      { transport: 'fcm', file: 'pns-gcm-options.yml', line: 1, client: 'old', reason: sentence('set serviceAccount') },
      {
        transport: 'wns',
        file: 'pns-wns-options.yml',
        line: 2,
        client: 'bad',
        reason: sentence('secret must be a text'),
      },
      { transport: 'apns', file: 'pns-apns-options.yml', line: 2, client: 'mail', reason: sentence('is not YAML: ') },
      { transport: 'webhook', file: 'webhooks.yml', line: 1, client: 'crm', reason: sentence('uri must be') },
    ]),
  );
  for (const secret of ['secret-of', 'secret-in', '12345']) expect(JSON.stringify(found)).not.toContain(secret);
  const directory = faulty.app.get(ConfigDirectory, { strict: false });
  const noticed = once(directory, 'change');
  for (const file of Object.keys(files)) writeFileSync(join(directory.path, file), '');
  await noticed;
  expect(await faults()).toEqual([]);
  await faulty.close();
});
