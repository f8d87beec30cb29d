import { plainUris, respellings, someRespellings } from '@pns/transport-contract/testing/uri-spellings';
import fc from 'fast-check';
import { Client } from 'pg';
import { testApi, type TestApi } from '../testing/test-api';
import { TokenSpelling } from './token-spelling';

const files = {
  'webhooks.yml': `
anywhere:
  uriValidationMode: none
  httpsOnly: false
own:
  uri: HTTPS://Push.Example.com:443/%7Eown?
  allowSharedUri: false
`,
  'webhooks.properties': `com.openexchange.webhooks.enabledIds=anywhere, own
com.openexchange.pns.subscriptions.maxPerUser=10000
com.openexchange.pns.subscriptions.maxTotalPerUser=100000
`,
};

const path = '/v1/subscriptions';
const phone = { context: 1, user: 14, client: 'mobile', transport: 'apns', topics: ['*'] };
const hook = { context: 1, user: 14, client: 'anywhere', transport: 'webhook', topics: ['*'] };

let api: TestApi;
let session: string;

beforeAll(async () => {
  api = await testApi({ files });
  session = String((await api.send('POST', '/v1/sessions', { body: { context: 1, user: 14 } })).body['token']);
});

afterEach(() => api.send('DELETE', `${path}?context=1`));

afterAll(() => api.close());

async function register(body: object): Promise<{ id: string; token: string }> {
  const answer = await api.send<{ id: string; token: string }>('POST', path, { body });
  expect([answer.body, [200, 201].includes(answer.status)]).toEqual([answer.body, true]);
  return answer.body;
}

async function list(query = ''): Promise<{ id: string; token: string; user: number }[]> {
  const { body } = await api.send<{ items: { id: string; token: string; user: number }[] }>('GET', `${path}?${query}`);
  return body.items;
}

const spelled = (token: string) => `token=${encodeURIComponent(token)}`;

/** Two spellings of the same token, and their normal form. */
const pairs: [what: string, transport: string, client: string, one: string, other: string, normal: string][] = [
  ['a device token in capitals', 'apns', 'mobile', 'CAFE01', 'cafe01', 'cafe01'],
  ['a URI with its port', 'webhook', 'anywhere', 'HTTPS://H.example:443', 'https://h.example/?', 'https://h.example/'],
  ['an address in two parts', 'webhook', 'anywhere', 'http://127.1/a', 'http://127.0.0.1:80/a', 'http://127.0.0.1/a'],
  [
    'a name in Punycode',
    'webhook',
    'anywhere',
    'https://bücher.example/',
    'https://xn--bcher-kva.example/',
    'https://xn--bcher-kva.example/',
  ],
  [
    'a URI with escapes',
    'webhook',
    'anywhere',
    'https://h.example/%7e%c3%a9',
    'https://h.example/~%C3%A9',
    'https://h.example/~%C3%A9',
  ],
  ['a dot behind the host', 'webhook', 'anywhere', 'https://h.example./', 'https://h.example/', 'https://h.example/'],
  [
    'a channel with escapes',
    'wns',
    'desktop',
    'https://DB5P.notify.windows.com/w/?token=a%2fb',
    'https://db5p.notify.windows.com/w/?token=a%2Fb',
    'https://db5p.notify.windows.com/w/?token=a%2Fb',
  ],
];

describe.each(pairs)('%s', (_, transport, client, one, other, normal) => {
  const of = { ...phone, transport, client };

  it('is one subscription of a user', async () => {
    const first = await register({ ...of, token: one });
    const second = await register({ ...of, token: other });
    expect([first.token, second.token, second.id]).toEqual([normal, normal, first.id]);
    expect(await list()).toHaveLength(1);
  });

  it('is found, listed and deleted by both spellings', async () => {
    for (const [registered, asked] of [
      [one, other],
      [other, one],
    ] as const) {
      for (const query of ['', `transport=${transport}&`]) {
        await register({ ...of, token: registered });
        expect(await list(query + spelled(asked))).toMatchObject([{ token: normal }]);
        expect((await api.send('DELETE', `${path}?${query}${spelled(asked)}`)).body).toEqual({ removed: 1 });
      }
    }
  });

  it('can be unsubscribed by a client of the original with both spellings', async () => {
    await register({ ...of, token: one });
    const body = { transport, client, token: other };
    await api.send('PUT', `/ajax/pns?action=unsubscribe&session=${session}`, { key: null, body });
    expect(await list()).toEqual([]);
  });
});

it('a phone that moved no longer belongs to the former user, in any spelling of its token', async () => {
  await register({ ...phone, token: 'CAFE02' });
  await register({ ...phone, token: 'cafe02', user: 15 });
  expect((await list()).map(({ user }) => user)).toEqual([15]);
});

it('a URI that is not shared is refused in any spelling, also of the configured URI', async () => {
  const own = { ...hook, client: 'own' };
  expect((await register(own)).token).toBe('https://push.example.com/~own');
  for (const token of ['https://push.example.com/~own', 'https://PUSH.example.com/%7eown?', undefined]) {
    const answer = await api.send('POST', path, { body: { ...own, user: 15, token } });
    expect(answer).toMatchObject({ status: 409, body: { code: 'TOKEN_TAKEN' } });
  }
  expect((await register({ ...own, token: 'https://push.example.com/%7Eown/below' })).token).toBe(
    'https://push.example.com/~own/below',
  );
});

it('a token is compared by the rule of its own transport only', async () => {
  await register({ ...phone, transport: 'fcm', token: 'CAFE03' });
  expect(await list(spelled('cafe03'))).toEqual([]);
  await register({ ...phone, token: 'cafe03' });
  expect(await list(spelled('CAFE03'))).toHaveLength(2);
  expect(await list(spelled('cafe03'))).toHaveLength(1);
});

it('any spellings of one device token are one subscription', async () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((each) => Buffer.from(each).toString('hex'));
  const inCase = (token: string, isUpper: boolean[]) =>
    [...token].map((digit, at) => (isUpper[at % isUpper.length] === true ? digit.toUpperCase() : digit)).join('');
  const cases = fc.array(fc.boolean(), { minLength: 1, maxLength: 7 });
  await fc.assert(
    fc.asyncProperty(bytes, cases, cases, async (token, one, other) => {
      const [first, second] = [
        await register({ ...phone, token: inCase(token, one) }),
        await register({ ...phone, token: inCase(token, other) }),
      ];
      expect(second.id).toBe(first.id);
    }),
    { numRuns: 30 },
  );
});

it('any spellings of one URI are one subscription, or are refused', async () => {
  // These spellings have dot segments, which are refused in a URI.
  const refused = ['a way there and back', 'a segment that stays'];
  expect(Object.keys(respellings)).toEqual(expect.arrayContaining(refused));
  await fc.assert(
    fc.asyncProperty(plainUris, someRespellings, async (uri, respell) => {
      const { body: first } = await api.send('POST', path, { body: { ...hook, token: uri } });
      fc.pre(first['code'] === undefined); // skips URIs that are refused, for example with an escaped slash
      const { status, body } = await api.send('POST', path, { body: { ...hook, token: respell(uri) } });
      expect([status, body['id'] ?? body['code']]).toEqual(
        status === 422 ? [422, 'WEBHOOK_URI_REFUSED'] : [200, first['id']],
      );
    }),
    { numRuns: 60 },
  );
});

it('tokens of older versions are converted to their normal form when the API starts', async () => {
  const database = new Client({ connectionString: api.database.url });
  await database.connect();
  const old = (user: number, token: string, minutesAgo: number) =>
    database.query(
      `INSERT INTO subscriptions (id, context_id, user_id, client, transport, token, token_hash, topics, updated_at)
       VALUES (gen_random_uuid(), 1, $1, 'mobile', 'apns', $2, sha256($2::text::bytea), '{"*"}', now() - $3 * interval '1 min')`,
      [user, token, minutesAgo],
    );
  await old(14, 'CAFE04', 2);
  await old(15, 'Cafe04', 1);
  await database.end();
  const sibling = await api.sibling();
  await sibling.app.get(TokenSpelling).run();
  await sibling.close();
  expect(await list()).toMatchObject([{ user: 15, token: 'cafe04' }]);
});
