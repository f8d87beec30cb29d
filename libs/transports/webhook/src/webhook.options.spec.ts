import { demoSignatureSecret, webhookOptionsFile, webhookOptionsFileFor } from './webhook.options';

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
        timeoutMillis: 100,
        maxConnections: 1,
      },
    },
  ],
  ['a webhook whose URIs are all its users’ own', { a: { uriValidationMode: 'none' } }],
  ['http where that is really meant', { a: { uri: 'http://10.0.0.1/', httpsOnly: false } }],
  ['a Standard Webhooks secret', { a: { uri, signatureSecret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' } }],
  ['a client id with every character', { 'A.b_c-9': { uri } }],
])('takes %s', (_, file) => expect(webhookOptionsFile.safeParse(file).error?.issues).toBeUndefined());

it.each<[string, Record<string, unknown>, string]>([
  ['an unknown field', { uri, url: uri }, 'url is not a field of a webhook'],
  ['no URI', {}, 'is missing'],
  ['no URI in mode exact', { uriValidationMode: 'exact' }, 'is missing'],
  ['a URI that is none', { uri: '/hook' }, 'must be an absolute http or https URI'],
  ['a URI with credentials', { uri: 'https://u:p@push.example.com/' }, 'must be an absolute http or https URI'],
  ['http', { uri: 'http://push.example.com/' }, 'is not https'],
  ['another mode', { uri, uriValidationMode: 'suffix' }, 'must be prefix, exact or none'],
  [
    'secrets that nobody would get',
    { uriValidationMode: 'none', signatureSecret: 's' },
    'secrets are only ever sent to it',
  ],
  ['a login without a password', { uri, login: 'me' }, 'is missing beside login'],
  ['a password without a login', { uri, password: 'p' }, 'is missing beside password'],
  ['a login with a colon', { uri, login: 'a:b', password: 'p' }, 'must hold no colon'],
  ['a secret that would break out of its header', { uri, webhookSecret: 'a\r\nx: y' }, 'printable'],
  ['an empty secret', { uri, signatureSecret: '' }, 'must not be empty'],
  ['a number as a secret', { uri, signatureSecret: 12345 }, 'expected string'],
  ['a Standard Webhooks secret that is not base64', { uri, signatureSecret: 'whsec_!' }, 'base64'],
  ['a previous secret without a current one', { uri, previousSignatureSecret: 's' }, 'is missing beside'],
  ['a header name with a blank', { uri, signatureHeaderName: 'X Sig' }, 'must be the name of a header'],
  ['a header with a meaning of its own', { uri, signatureHeaderName: 'Content-Length' }, 'meaning of its own'],
  ['an address instead of a network', { uri, allowedNetworks: ['10.0.0.1'] }, 'must be a network'],
  ['a network with too many bits', { uri, allowedNetworks: ['10.0.0.0/33'] }, 'must be a network'],
  ['a network in shorthand', { uri, allowedNetworks: ['10/8'] }, 'must be a network'],
  ['a time-out of nothing', { uri, timeoutMillis: 0 }, '100'],
  ['no connections', { uri, maxConnections: 0 }, '1'],
  ['half a version', { uri, version: 1.5 }, 'int'],
  ['a text as a boolean', { uri, httpsOnly: 'false' }, 'expected boolean'],
])('refuses %s', (_, entry, sentence) => {
  const { error } = webhookOptionsFile.safeParse({ crm: entry });
  expect(error?.issues.map(({ message }) => message).join('; ')).toContain(sentence);
  expect(error?.issues.every(({ path }) => path[0] === 'crm')).toBe(true);
});

it.each([['a--b'], ['a b'], ['a:b'], [''], ['x'.repeat(65)]])('refuses the webhook id %j', (id) => {
  expect(webhookOptionsFile.safeParse({ [id]: { uri } }).success).toBe(false);
});

describe('the public secret of the demonstration', () => {
  it.each([
    { signatureSecret: demoSignatureSecret },
    { signatureSecret: 'x', previousSignatureSecret: demoSignatureSecret },
  ])('is refused in production: %j', (secrets) => {
    const file = { good: { uri, signatureSecret: 'x' }, demo: { uri, ...secrets } };
    const issues = webhookOptionsFileFor('production').safeParse(file).error?.issues;
    expect(issues).toMatchObject([{ path: ['demo'], message: expect.stringContaining('public secret') as string }]);
    expect(webhookOptionsFileFor('development').safeParse(file).success).toBe(true);
  });

  it('is all that is refused there', () => {
    expect(webhookOptionsFileFor('production').parse({ good: { uri, signatureSecret: 'x' } })).toHaveProperty('good');
  });
});
