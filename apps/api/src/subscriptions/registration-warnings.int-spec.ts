import { generateKeyPairSync } from 'node:crypto';
import { testApi, type TestApi } from '../testing/test-api';

const apple = 'com.openexchange.pns.transport.apn.ios.enabled';

const files = {
  'pns-apns-options.yml': `
broken: { keystore: not/there.p12 }
off: { enabled: false }
`,
  'webhooks.yml': `
crm: { uri: https://push.example.com/crm }
plain: { uri: http://push.example.com/plain }
`,
  'pns.properties': `
com.openexchange.webhooks.enabledIds=crm, plain
${apple}.good=true
${apple}.broken=true
${apple}.off=true
${apple}.mail.ox:mail:new=true
`,
};

const privatekey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
const credentials = { authtype: 'jwt', privatekey, keyid: 'KEY0000001', teamid: 'TEAM000001', topic: 'com.example' };

const phone = { context: 1, user: 14, transport: 'apns', token: 'ab12', topics: ['ox:mail:*'] };
const hook = { context: 1, user: 14, client: 'crm', transport: 'webhook', topics: ['*'] };

let api: TestApi;

beforeAll(async () => {
  api = await testApi({ files });
  for (const client of ['good', 'mail'])
    await api.send('PUT', `/v1/clients/${client}/transports/apns`, { body: credentials });
});

afterAll(() => api.close());

interface Warned {
  readonly warnings?: { code: string; detail: string }[];
}

async function warnings(body: object): Promise<string[]> {
  const answer = await api.send<Warned>('POST', '/v1/subscriptions', { body });
  expect([answer.status < 300, answer.body]).toEqual([true, answer.body]);
  return (answer.body.warnings ?? []).map(({ code, detail }) => `${code} ${detail}`);
}

const notConfigured = expect.stringMatching(
  /^CLIENT_NOT_CONFIGURED .*has no credentials in pns-.*options.yml/,
) as string;
const off = (topics: string) =>
  expect.stringContaining(`TRANSPORT_SWITCHED_OFF Nothing is sent for ${topics}: `) as string;

it.each<[what: string, body: object, expected: unknown[]]>([
  ['nothing of a client that works', { ...phone, client: 'good' }, []],
  ['of a client that nobody configured', { ...phone, client: 'unknown' }, [notConfigured, off('ox:mail:*')]],
  [
    'of an entry that was refused',
    { ...phone, client: 'broken' },
    [expect.stringMatching(/^CLIENT_ENTRY_REFUSED .*GET \/v1\/clients/)],
  ],
  ['of a client that is switched off', { ...phone, client: 'off' }, [expect.stringContaining('CLIENT_SWITCHED_OFF')]],
  [
    'of topics that are switched off',
    { ...phone, client: 'mail', topics: ['ox:calendar:*', 'ox:mail:new', 'ox:mail:read'] },
    [off('ox:calendar:*, ox:mail:read')],
  ],
  ['nothing of a pattern of which some topic is on', { ...phone, client: 'mail', topics: ['*', 'ox:mail:*'] }, []],
  [
    'of a provider that is off by default',
    { ...phone, client: 'good', transport: 'gcm', token: 'a:b' },
    [notConfigured, off('ox:mail:*')],
  ],
  ['nothing of a webhook that works', hook, []],
])('the answer has a warning %s', async (_, body, expected) => {
  expect(await warnings(body)).toEqual(expected);
});

it('the answer has a warning when the webhook’s transport is switched off for the user', async () => {
  const place = '/v1/config/contexts/1/users/15/properties/com.openexchange.pns.transport.webhooks.enabled';
  await api.send('PUT', place, { body: { value: false } });
  expect(await warnings({ ...hook, user: 15 })).toEqual([off('*')]);
});

it('a repeated registration has the warning again, and no other answer has it', async () => {
  const body = { ...phone, client: 'unknown', token: 'ab13' };
  expect(await warnings(body)).toEqual(await warnings(body));
  const { body: listed } = await api.send<{ items: object[] }>('GET', '/v1/subscriptions?client=unknown');
  for (const item of listed.items) expect(item).not.toHaveProperty('warnings');
});

it('a client of the original gets the answer of the original', async () => {
  const session = await api.send('POST', '/v1/sessions', { body: { context: 1, user: 14 } });
  const url = `/ajax/pns?action=subscribe&session=${String(session.body['token'])}`;
  const { context, user, ...said } = { ...phone, client: 'unknown' };
  void [context, user];
  expect((await api.send('PUT', url, { key: null, body: said })).body).toEqual({ data: { success: true } });
});

it('a webhook with a refused entry has another code than a webhook without an entry', async () => {
  const refusal = async (client: string) => {
    const { status, body } = await api.send('POST', '/v1/subscriptions', { body: { ...hook, client } });
    return [status, body['code'], body['detail']];
  };
  expect(await refusal('plain')).toEqual([422, 'WEBHOOK_REFUSED', expect.stringContaining('GET /v1/clients')]);
  expect(await refusal('nobody')).toEqual([422, 'WEBHOOK_UNKNOWN', expect.stringContaining('not configured')]);
});
