import { rootCertificates } from 'node:tls';
import { demoSignatureSecret } from '@pns/transport-contract';
import { webhookOptionsFileFor } from './webhook.option-file';
import { webhookOptions } from './webhook.options';

const [authority = '', another = ''] = rootCertificates;

const files = new Map([
  ['ca.pem', `\ufeff${authority}\n${another}`],
  ['broken.pem', `${authority}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`],
  ['key.pem', `${authority}\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`],
]);

const readFile = (path: string): Buffer => {
  const content = files.get(path);
  if (content === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
  return Buffer.from(content);
};

const fileFor = (nodeEnv: string) => webhookOptionsFileFor(nodeEnv, readFile);
const webhookOptionsFile = fileFor('development');

const uri = 'https://push.example.com/hook';

it('every field but the URI has a default', () => {
  expect(webhookOptionsFile.parse({ crm: { uri } })).toEqual({
    crm: {
      uri,
      uriValidationMode: 'prefix',
      version: 1,
      signatureHeaderName: 'X-OX-Signature',
      maxTimeToLiveMillis: 0,
      maxNumberOfSubscriptionsPerUser: 0,
      allowSharedUri: true,
      allowedNetworks: [],
      httpsOnly: true,
      timeoutMillis: 5000,
      maxConnections: 100,
    },
  });
});

it.each([
  ['nothing', {}],
  [
    'every field',
    {
      a: {
        uri,
        uriValidationMode: 'exact',
        webhookSecret: 'Bearer x',
        login: 'me',
        password: 'p:w',
        signatureSecret: 's',
        previousSignatureSecret: 'r',
        version: 2,
        signatureHeaderName: 'X-Sig',
        maxTimeToLiveMillis: 1,
        maxNumberOfSubscriptionsPerUser: 1,
        allowSharedUri: false,
        allowedNetworks: ['10.0.0.0/8', 'fd00::/8', '10.1.2.3/32'],
        httpsOnly: true,
        caFile: 'ca.pem',
        timeoutMillis: 100,
        maxConnections: 1,
      },
    },
  ],
  ['a webhook whose URIs are all its users’ own', { a: { uriValidationMode: 'none' } }],
  ['http if httpsOnly is false', { a: { uri: 'http://10.0.0.1/', httpsOnly: false } }],
  ['a Standard Webhooks secret', { a: { uri, signatureSecret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' } }],
  ['a client id with every character', { 'A.b_c-9': { uri } }],
])('takes %s', (_, file) => expect(webhookOptionsFile.safeParse(file).error?.issues).toBeUndefined());

it.each<[string, Record<string, unknown>, string]>([
  ['an unknown field', { uri, url: uri }, 'url is not a field of a webhook'],
  ['no URI', {}, 'is missing'],
  ['no URI in mode exact', { uriValidationMode: 'exact' }, 'is missing'],
  ['a URI that is none', { uri: '/hook' }, 'must be an absolute http or https URI'],
  ['a URI with port 0', { uri: 'https://push.example.com:0/' }, 'has port 0'],
  ['a URI with port 0 in other digits', { uri: 'https://push.example.com:000/' }, 'has port 0'],
  ['a URI with credentials', { uri: 'https://u:p@push.example.com/' }, 'must be an absolute http or https URI'],
  ['http', { uri: 'http://push.example.com/' }, 'is not https'],
  ['another mode', { uri, uriValidationMode: 'suffix' }, 'must be prefix, exact or none'],
  [
    'secrets that nobody would get',
    { uriValidationMode: 'none', signatureSecret: 's' },
    'secrets are sent only to this URI',
  ],
  ['a login without a password', { uri, login: 'me' }, 'is missing; login needs it'],
  ['a password without a login', { uri, password: 'p' }, 'is missing; password needs it'],
  ['a login with a colon', { uri, login: 'a:b', password: 'p' }, 'must not contain a colon'],
  ['a secret that would break out of its header', { uri, webhookSecret: 'a\r\nx: y' }, 'printable'],
  ['an empty secret', { uri, signatureSecret: '' }, 'must not be empty'],
  ['a number as a secret', { uri, signatureSecret: 12345 }, 'expected string'],
  ['a Standard Webhooks secret that is not base64', { uri, signatureSecret: 'whsec_!' }, 'base64'],
  [
    'a previous secret without a current one',
    { uri, previousSignatureSecret: 's' },
    'is missing; previousSignatureSecret needs it',
  ],
  ['a header name with a blank', { uri, signatureHeaderName: 'X Sig' }, 'must be the name of a header'],
  ['a header with another meaning', { uri, signatureHeaderName: 'Content-Length' }, 'another meaning'],
  ['an address instead of a network', { uri, allowedNetworks: ['10.0.0.1'] }, 'must be a network'],
  ['a network with too many bits', { uri, allowedNetworks: ['10.0.0.0/33'] }, 'must be a network'],
  ['a network in shorthand', { uri, allowedNetworks: ['10/8'] }, 'must be a network'],
  ['a time-out of nothing', { uri, timeoutMillis: 0 }, '100'],
  ['no connections', { uri, maxConnections: 0 }, '1'],
  ['half a version', { uri, version: 1.5 }, 'int'],
  ['a text as a boolean', { uri, httpsOnly: 'false' }, 'expected boolean'],
  ['a file of certificates that is not there', { uri, caFile: 'geheim.pem' }, 'cannot be read (ENOENT)'],
  ['a file with a certificate that cannot be read', { uri, caFile: 'broken.pem' }, 'each of which can be read'],
  ['a file with a private key', { uri, caFile: 'key.pem' }, 'contains a private key'],
  ['a number as a path', { uri, caFile: 5 }, 'expected string'],
])('refuses %s', (_, entry, sentence) => {
  const { error } = webhookOptionsFile.safeParse({ crm: entry });
  expect(error?.issues.map(({ message }) => message).join('; ')).toContain(sentence);
  expect(error?.issues.every(({ path }) => path[0] === 'crm')).toBe(true);
  expect(JSON.stringify(error?.issues.map(({ message }) => message))).not.toContain('geheim');
});

it.each([['a--b'], ['a b'], ['a:b'], [''], ['x'.repeat(65)]])('refuses the webhook id %j', (id) => {
  expect(webhookOptionsFile.safeParse({ [id]: { uri } }).success).toBe(false);
});

it('caFile is a path in the file and PEM text over the API', () => {
  const { crm } = webhookOptionsFile.parse({ crm: { uri, caFile: 'ca.pem' } });
  expect(crm?.caFile).toBe(`${authority}\n${another}`);
  expect(webhookOptions.parse({ uri, caFile: authority.replaceAll('\n', '\\n') }).caFile).toBe(authority);
  expect(webhookOptions.safeParse({ uri, caFile: 'ca.pem' }).success).toBe(false);
});

describe('the public secret of the demonstration', () => {
  it.each([
    { signatureSecret: demoSignatureSecret },
    { signatureSecret: 'x', previousSignatureSecret: demoSignatureSecret },
  ])('is refused in production: %j', (secrets) => {
    const file = { good: { uri, signatureSecret: 'x' }, demo: { uri, ...secrets } };
    const issues = fileFor('production').safeParse(file).error?.issues;
    expect(issues).toMatchObject([{ path: ['demo'], message: expect.stringContaining('public secret') as string }]);
    expect(fileFor('development').safeParse(file).success).toBe(true);
  });

  it('is the only secret that is refused there', () => {
    expect(fileFor('production').parse({ good: { uri, signatureSecret: 'x' } })).toHaveProperty('good');
  });
});
