import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { z } from 'zod';
import { fcmOptions, fcmOptionsFileFor, fcmSecretFields } from './fcm.options';

const pem = { type: 'pkcs8', format: 'pem' } as const;
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: pem,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem).toString();

const account = {
  type: 'service_account',
  project_id: 'my-project',
  private_key_id: 'abc',
  private_key: privateKey,
  client_email: 'sender@my-project.iam.gserviceaccount.com',
};
const asGoogleMakesIt = {
  ...account,
  client_id: '1',
  auth_uri: 'https://accounts.google.com/o/oauth2/auth',
  token_uri: 'https://evil.example/token',
};

const faultOf = (schema: z.ZodType, given: unknown): string => {
  const { error } = schema.safeParse(given);
  return error === undefined ? '' : z.prettifyError(error);
};

describe('options over the API', () => {
  it.each([
    ['an object', asGoogleMakesIt],
    ['text', JSON.stringify(asGoogleMakesIt)],
    ['text with a byte order mark', `\ufeff${JSON.stringify(asGoogleMakesIt)}`],
    ['a key with line ends as a backslash and an n', { ...account, private_key: privateKey.replaceAll('\n', '\\n') }],
    ['a key with blanks instead of line ends', { ...account, private_key: privateKey.replaceAll('\n', ' ') }],
  ])('accept the service account as %s, and keep only the fields that are needed', (_, serviceAccount) => {
    expect(fcmOptions.parse({ serviceAccount })).toEqual({
      enabled: true,
      serviceAccount: account,
      notification: false,
      endpoint: 'https://fcm.googleapis.com',
      tokenEndpoint: 'https://oauth2.googleapis.com/token',
    });
  });

  it('can be parsed again from their stored form', () => {
    const options = fcmOptions.parse({ serviceAccount: account, notification: true, endpoint: 'https://localhost:1' });
    expect(fcmOptions.parse(JSON.parse(JSON.stringify(options)))).toEqual(options);
  });

  it.each<[string, object, RegExp]>([
    ['the original’s server key', { key: 'AAAA' }, /switched off in June 2024.*Generate new private key/],
    ['a server key beside an account', { serviceAccount: account, key: 'AAAA' }, /switched off/],
    ['no account', {}, /serviceAccount/],
    ['an account that is not JSON', { serviceAccount: '/etc/account.json' }, /must be the JSON of a service account/],
    [
      'the google-services.json of an app',
      { serviceAccount: { project_info: {} } },
      /not the key of a service account.*Generate/,
    ],
    ['an elliptic key', { serviceAccount: { ...account, private_key: elliptic } }, /RSA private key/],
    ['a key that is not PEM', { serviceAccount: { ...account, private_key: 'secret' } }, /RSA private key/],
    ['an invalid project id', { serviceAccount: { ...account, project_id: '../x' } }, /id of a project/],
    ['no e-mail address', { serviceAccount: { ...account, client_email: 'x' } }, /e-mail/],
    ['an unencrypted endpoint', { serviceAccount: account, endpoint: 'http://localhost' }, /https URL/],
    ['port 0 in an endpoint', { serviceAccount: account, endpoint: 'https://localhost:0' }, /port 0/],
    ['port 0 in a token endpoint', { serviceAccount: account, tokenEndpoint: 'https://[::1]:00/' }, /port 0/],
    ['credentials in an endpoint', { serviceAccount: account, tokenEndpoint: 'https://a:b@c' }, /https URL/],
    ['an authority that is not PEM', { serviceAccount: account, caFile: 'x' }, /certificates in PEM, each/],
    ['an unknown field', { serviceAccount: account, colour: 1 }, /colour is not .* known ones are enabled, service/],
    ['enabled as text', { serviceAccount: account, enabled: 'yes' }, /enabled/],
  ])('are refused with %s', (_, given, expected) => {
    const fault = faultOf(fcmOptions, given);
    expect(fault.replaceAll('\n', ' ')).toMatch(expected);
    expect(fault).not.toContain('PRIVATE KEY');
    expect(fault).not.toContain('AAAA');
  });

  it('are refused without an exception for any other value', () => {
    const hostile = fc.oneof(
      fc.anything(),
      fc.record({ serviceAccount: fc.anything(), caFile: fc.anything(), endpoint: fc.anything() }),
    );
    fc.assert(
      fc.property(hostile, (given) => {
        expect(fcmOptions.safeParse(given).success).toBe(false);
      }),
    );
  });

  it('have two secret fields', () => {
    expect(fcmSecretFields).toEqual(['serviceAccount', 'key']);
  });

  it('may have the server key of the original and no account if they are switched off', () => {
    expect(fcmOptions.parse({ enabled: false, key: 'AAAA', serviceAccount: 5 })).toEqual({ enabled: false });
    expect(faultOf(fcmOptions, { enabled: false, colour: 1 })).toMatch(/colour is not/);
  });
});

describe('pns-gcm-options.yml', () => {
  const files: Record<string, string> = { 'account.json': JSON.stringify(asGoogleMakesIt), 'broken.json': '{' };
  const file = fcmOptionsFileFor('production', (path) => {
    const content = files[path];
    if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return Buffer.from(content);
  });

  it('names the files of service accounts', () => {
    expect(file.parse({ mobile: { serviceAccount: 'account.json', notification: true } })).toEqual({
      mobile: fcmOptions.parse({ serviceAccount: account, notification: true }),
    });
    expect(file.parse({})).toEqual({});
  });

  it('reads the example of the original unchanged', () => {
    const example = { enabled: false, key: 'AIzaSy2535345TbVL2r4yaZ4ZVQvJdcE1vth24546' };
    expect(file.parse({ mygoogleclient: example })).toEqual({ mygoogleclient: { enabled: false } });
  });

  it('does not repeat an account that is given in place of its path', () => {
    const fault = faultOf(file, { mobile: { serviceAccount: JSON.stringify(account) } });
    expect(fault).toMatch(/cannot be read/);
    expect(fault).not.toContain('PRIVATE KEY');
  });

  it.each<[string, object, RegExp]>([
    [
      'the path of a missing file',
      { mobile: { serviceAccount: 'x.json' } },
      /cannot be read \(ENOENT\); it must be the path of the JSON file/,
    ],
    ['a broken file', { mobile: { serviceAccount: 'broken.json' } }, /must be the JSON of a service account/],
    ['an account inline', { mobile: { serviceAccount: account } }, /must be the path of the JSON file/],
    ['the original’s key', { mobile: { enabled: true, key: 'AAAA' } }, /switched off in June 2024/],
    ['a missing CA file', { mobile: { serviceAccount: 'account.json', caFile: 'ca.pem' } }, /caFile/],
    ['a bad client id', { 'a b': { serviceAccount: 'account.json' } }, /Invalid key in record\s+→ at \["a b"\]/],
  ])('is refused with %s', (_, given, expected) => {
    expect(faultOf(file, given)).toMatch(expected);
  });
});
