import { SignJWT, UnsecuredJWT } from 'jose';
import { sessionSecret, testApi, type TestApi, type TestRequest } from '../testing/test-api';
import { oxErrorKinds } from './ox-error';

interface View {
  readonly id: string;
  readonly token: string;
  readonly topics: string[];
  readonly expires?: number;
}

interface OxErrorBody {
  readonly error: string;
  readonly error_params: string[];
  readonly categories: string;
  readonly category: number;
  readonly code: string;
  readonly error_id: string;
  readonly error_desc: string;
}

const files = {
  'webhooks.yml': `
switchboard:
  uri: https://switchboard.example.com/webhook
limited:
  uri: https://push.example.com/hook
  maxNumberOfSubscriptionsPerUser: 1
  maxTimeToLiveMillis: 3600000
disabled:
  uri: https://push.example.com/disabled
`,
  'webhooks.properties': 'com.openexchange.webhooks.enabledIds=switchboard, limited\n',
};

const phone = { client: 'mobile', transport: 'apn', token: 'ab12', topics: ['ox:mail:new'] };
const success = { data: { success: true } };

let api: TestApi;
let session: string;
let sessionWithoutClient: string;

async function issue(claims: object): Promise<string> {
  const { body } = await api.send<{ token: string }>('POST', '/v1/sessions', { body: claims });
  return body.token;
}

beforeAll(async () => {
  api = await testApi({ files });
  session = await issue({ context: 1, user: 14, client: 'open-xchange-appsuite' });
  sessionWithoutClient = await issue({ context: 1, user: 15 });
});

afterEach(async () => {
  await api.send('DELETE', '/v1/subscriptions?context=1');
});

afterAll(() => api.close());

function put<Body = OxErrorBody>(action: string, body: unknown, token = session, request: TestRequest = {}) {
  const path = `/ajax/pns?action=${action}&session=${token}`;
  return api.send<Body>('PUT', path, { key: null, ...(body === undefined ? {} : { body }), ...request });
}

async function subscriptions(): Promise<View[]> {
  const { body } = await api.send<{ items: View[] }>('GET', '/v1/subscriptions?context=1');
  return body.items;
}

describe("the App Suite UI's own request", () => {
  const request = (now: number) => ({
    client: 'switchboard',
    transport: 'webhook',
    topics: ['ox:calendar:updates', 'ox:mail:new'],
    expires: now + 300_000 + 60_000,
  });

  it('subscribes the configured URI, and each renewal keeps the id', async () => {
    const first = request(Date.now());
    // The App Suite UI sends JSON with the Content-Type of JavaScript.
    const asPage = { headers: { 'content-type': 'text/javascript; charset=UTF-8' } };
    expect(await put('subscribe', first, session, asPage)).toMatchObject({ status: 200, body: success });
    const [subscribed] = await subscriptions();
    expect(subscribed).toMatchObject({
      context: 1,
      user: 14,
      client: 'switchboard',
      transport: 'webhook',
      token: 'https://switchboard.example.com/webhook',
      topics: ['ox:calendar:updates', 'ox:mail:new'],
      expires: first.expires,
    });
    const renewal = { ...request(Date.now() + 300_000), topics: ['ox:mail:new'] };
    expect((await put('subscribe', renewal)).body).toEqual(success);
    const [renewed, ...others] = await subscriptions();
    expect(renewed).toMatchObject({ id: subscribed?.id, topics: ['ox:mail:new'], expires: renewal.expires });
    expect(others).toEqual([]);
  });

  it('shares the URI between users', async () => {
    await put('subscribe', request(Date.now()));
    await put('subscribe', request(Date.now()), sessionWithoutClient);
    expect((await subscriptions()).length).toBe(2);
  });

  it('is unsubscribed without a token too', async () => {
    await put('subscribe', request(Date.now()));
    expect((await put('unsubscribe', { client: 'switchboard', transport: 'webhook' })).body).toEqual(success);
    expect(await subscriptions()).toEqual([]);
  });
});

describe('a subscription by a client of the original', () => {
  const channel = 'https://db5p.notify.windows.com/w/?token=1';

  it.each([
    ['apn', 'apns', 'AB12'],
    ['apns', 'apns', 'ab12'],
    ['apns_http2', 'apns', 'ab12'],
    ['gcm', 'fcm', 'abc:APA91b'],
    ['fcm', 'fcm', 'abc:APA91b'],
    ['wns', 'wns', channel],
  ])('with transport %s is stored with %s and can be unsubscribed', async (transport, name, token) => {
    expect((await put('subscribe', { ...phone, transport, token })).body).toEqual(success);
    expect(await subscriptions()).toEqual([expect.objectContaining({ transport: name, client: 'mobile' })]);
    expect((await put('unsubscribe', { client: 'mobile', token, transport })).body).toEqual(success);
    expect(await subscriptions()).toEqual([]);
  });

  it("belongs to the session's client where it names none", async () => {
    const { client, ...request } = phone;
    void client;
    await put('subscribe', { ...request, client: null });
    expect(await subscriptions()).toEqual([expect.objectContaining({ client: 'open-xchange-appsuite' })]);
    await put('unsubscribe', { token: 'ab12', transport: 'apn' });
    expect(await subscriptions()).toEqual([]);
  });

  it('is unsubscribed for every client where neither the session nor the request names one', async () => {
    await put('subscribe', phone, sessionWithoutClient);
    await put('unsubscribe', { token: 'ab12', transport: 'apn' }, sessionWithoutClient);
    expect(await subscriptions()).toEqual([]);
  });

  it('replaces topics, expiry and meta', async () => {
    await put('subscribe', { ...phone, expires: Date.now() + 60_000, meta: { a: { b: true }, c: 'd', e: 5 } });
    await put('subscribe', { ...phone, topics: ['*'], expires: 0 });
    const [only, ...others] = await subscriptions();
    expect(only).toMatchObject({ topics: ['*'] });
    expect(only).not.toHaveProperty('expires');
    expect(only).not.toHaveProperty('meta');
    expect(others).toEqual([]);
  });

  it('moves to the user who subscribed last', async () => {
    await put('subscribe', phone);
    await put('subscribe', phone, sessionWithoutClient);
    expect(await subscriptions()).toEqual([expect.objectContaining({ user: 15 })]);
  });

  it("leaves another user's subscription unchanged", async () => {
    await put('subscribe', phone);
    expect((await put('unsubscribe', phone, sessionWithoutClient)).body).toEqual(success);
    expect((await subscriptions()).length).toBe(1);
  });

  it('is answered at the alias, with a bearer token', async () => {
    const { status, body } = await api.send('PUT', '/appsuite/api/pns?action=subscribe', { body: phone, key: session });
    expect({ status, body }).toEqual({ status: 200, body: success });
    expect((await subscriptions()).length).toBe(1);
  });

  it.each(['apn', 'webhook', 'websocket'])('can be unsubscribed from %s though there was none', async (transport) => {
    expect((await put('unsubscribe', { client: 'nobody', token: 'none', transport })).body).toEqual(success);
    expect((await put('unsubscribe', { client: 'nobody', transport })).body).toEqual(success);
  });
});

describe('errors of the original', () => {
  const hook = { client: 'limited', transport: 'webhook', topics: ['*'] };
  const cases: readonly [
    name: string,
    action: string,
    body: unknown,
    code: keyof typeof oxErrorKinds,
    about: string,
  ][] = [
    ['no transport', 'subscribe', { ...phone, transport: undefined }, 'SVL-0002', 'transport'],
    ['no transport to unsubscribe', 'unsubscribe', { client: 'mobile', token: 'ab12' }, 'SVL-0002', 'transport'],
    ['no topics', 'subscribe', { ...phone, topics: undefined }, 'SVL-0002', 'topics'],
    ['no token', 'subscribe', { ...phone, token: undefined }, 'SVL-0002', 'token'],
    ['an empty client', 'subscribe', { ...phone, client: '' }, 'SVL-0002', 'client'],
    ['no object', 'subscribe', [phone], 'SVL-0009', 'body'],
    ['no JSON', 'subscribe', '{"client":', 'SVL-0009', 'JSON'],
    ['topics that are not a list', 'subscribe', { ...phone, topics: 'ox:mail:new' }, 'SVL-0009', 'topics'],
    ['a client that cannot be one', 'subscribe', { ...phone, client: 'a:b' }, 'SVL-0009', 'client'],
    ['a token with blanks', 'subscribe', { ...phone, token: 'a b' }, 'SVL-0009', 'token'],
    ['meta with a list', 'subscribe', { ...phone, meta: { a: [1] } }, 'SVL-0009', 'meta'],
    ['meta with a fraction', 'subscribe', { ...phone, meta: { a: { b: 0.5 } } }, 'SVL-0009', 'meta'],
    ['a header with LF', 'subscribe', { ...hook, meta: { authorization: 'a\n' } }, 'SVL-0009', 'meta.authorization'],
    ['a login alone', 'subscribe', { ...hook, meta: { username: 'a' } }, 'SVL-0009', 'meta.password'],
    ['a broken expiry', 'subscribe', { ...phone, expires: 'soon' }, 'SVL-0009', 'expires'],
    ['an unknown action', 'list', phone, 'SVL-0021', 'action'],
    ['no body', 'subscribe', undefined, 'SVL-0023', 'body'],
    ['an empty body', 'unsubscribe', '', 'SVL-0023', 'body'],
    ['a number that would be altered', 'subscribe', '{"transport":"apn","expires":1e400}', 'SVL-0009', 'expires'],
    ['meta of 5,000 levels', 'subscribe', `{"meta":${'{"a":'.repeat(5000)}1${'}'.repeat(5001)}`, 'SVL-0009', 'levels'],
    ['a body of 65 KiB', 'subscribe', { ...phone, token: 'a'.repeat(66_000) }, 'SVL-0009', 'large'],
    ['no topic in the list', 'subscribe', { ...phone, topics: [] }, 'PNS-0001', 'topics'],
    ['an unknown transport', 'subscribe', { ...phone, transport: 'pigeon' }, 'PNS-0005', 'transport'],
    ['a socket', 'subscribe', { ...phone, transport: 'websocket' }, 'PNS-0006', 'socket'],
    ['a bad topic', 'subscribe', { ...phone, topics: ['*', 'ox:*:new'] }, 'PNS-0007', 'topics.1'],
    ['a bad prefix', 'subscribe', { ...phone, topics: ['ox:mail*'] }, 'PNS-0007', 'topics.0'],
    ['a topic that is not text', 'subscribe', { ...phone, topics: [5] }, 'PNS-0007', 'topics.0'],
    ['an unknown webhook', 'subscribe', { ...hook, client: 'nobody' }, 'PNS-0012', 'not configured'],
    ['a webhook that is not enabled', 'subscribe', { ...hook, client: 'disabled' }, 'PNS-0012', 'enabledIds'],
    ['a description of a token', 'subscribe', { ...phone, token: '<ab12ab12>' }, 'PNS-0012', 'hexadecimal'],
    ['a token of another provider', 'subscribe', { ...phone, token: 'abc:APA91b' }, 'PNS-0012', 'token'],
    [
      'a foreign channel',
      'subscribe',
      { ...phone, transport: 'wns', token: 'https://evil.example/' },
      'PNS-0012',
      'channel',
    ],
    ['a foreign URI', 'subscribe', { ...hook, token: 'https://push.example.com/hook-evil' }, 'PNS-0012', 'URI'],
    ['an expiry too late', 'subscribe', { ...hook, expires: Date.now() + 7_200_000 }, 'PNS-0012', 'expires'],
    ['an expiry in the past', 'subscribe', { ...phone, expires: 1000 }, 'PNS-0012', 'expires'],
  ];

  it.each(cases)('%s', async (_, action, body, code, about) => {
    const answer = await put(action, body);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.body).toMatchObject({ code, categories: oxErrorKinds[code] });
    expect(answer.body.error).toContain(about);
    expect(answer.body.error_desc).toBe(answer.body.error);
    expect(Object.keys(answer.body).sort()).toEqual([
      'categories',
      'category',
      'code',
      'error',
      'error_desc',
      'error_id',
      'error_params',
    ]);
    expect(await subscriptions()).toEqual([]);
  });

  it.each([
    ['a Content-Encoding', { 'content-encoding': 'gzip' }],
    ['another charset', { 'content-type': 'application/json; charset=utf-16' }],
  ])('%s is refused as malformed JSON', async (_, headers) => {
    expect((await put('subscribe', phone, session, { headers })).body).toMatchObject({ code: 'SVL-0009' });
  });

  it('names the webhook whose limit of subscriptions a user has reached', async () => {
    expect((await put('subscribe', { ...hook, token: 'https://push.example.com/hook/1' })).body).toEqual(success);
    const { body } = await put('subscribe', { ...hook, token: 'https://push.example.com/hook/2' });
    expect(body).toMatchObject({ code: 'PNS-0013', categories: 'PERMISSION_DENIED', category: 3 });
    expect(body.error).toContain('limited');
  });

  it('needs a client from the session or the request', async () => {
    const { client, ...request } = phone;
    void client;
    expect((await put('subscribe', request, sessionWithoutClient)).body).toMatchObject({ code: 'SVL-0002' });
  });

  const claims = () => ({ jti: 'a', exp: Math.floor(Date.now() / 1000) + 60, context: 1, user: 14 });
  const signed = (more: object = {}, secret = sessionSecret, alg = 'HS256'): Promise<string> =>
    new SignJWT({ ...claims(), ...more }).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
  const forged = async (): Promise<string> => {
    const [header, , signature] = (await signed()).split('.');
    return [header, Buffer.from(JSON.stringify({ ...claims(), user: 15 })).toString('base64url'), signature].join('.');
  };
  const ended = async (): Promise<string> => {
    const { body } = await api.send<{ id: string; token: string }>('POST', '/v1/sessions', {
      body: { context: 1, user: 14 },
    });
    await api.send('DELETE', `/v1/sessions/${body.id}`);
    return body.token;
  };
  const notOurs = 'The session token is not valid; request a new one with POST /v1/sessions.';
  const hasEnded = 'The session has ended; request a new one with POST /v1/sessions.';

  it.each<[string, () => Promise<string> | string, string, keyof typeof oxErrorKinds]>([
    ['no session', () => '', 'Send a session token as the parameter session, or as Authorization: Bearer.', 'SES-0201'],
    ['a session that is not a token', () => 'stranger', notOurs, 'SES-0203'],
    ['an unsigned session', () => new UnsecuredJWT(claims()).encode(), notOurs, 'SES-0203'],
    ['a session of another secret', () => signed({}, 'a session secret of nobody'), notOurs, 'SES-0203'],
    ['a session of another algorithm', () => signed({}, sessionSecret, 'HS512'), notOurs, 'SES-0203'],
    ['a session with another user in it', forged, notOurs, 'SES-0203'],
    ['a session without a user', () => signed({ user: undefined }), notOurs, 'SES-0203'],
    ['a session of a user beyond the database', () => signed({ user: 2 ** 31 }), notOurs, 'SES-0203'],
    ['a session of a context beyond the database', () => signed({ context: 2 ** 31 }), notOurs, 'SES-0203'],
    ['a session that expired', () => signed({ exp: 1 }), hasEnded, 'SES-0203'],
    ['a session that was ended', ended, hasEnded, 'SES-0203'],
  ])('%s, as a parameter and as bearer', async (_, token, sentence, code) => {
    const session = await token();
    const before = await api.contents();
    const error = { code, categories: oxErrorKinds[code], error: sentence, error_desc: sentence };
    for (const action of ['subscribe', 'unsubscribe']) {
      expect(await put(action, phone, session)).toMatchObject({ status: 200, body: error });
      const bearer = { body: phone, key: session === '' ? null : session };
      expect(await api.send('PUT', `/ajax/pns?action=${action}`, bearer)).toMatchObject({ status: 200, body: error });
    }
    expect(await api.contents()).toEqual(before);
  });

  it('does not occur with a correctly signed token', async () => {
    expect((await put('subscribe', phone, await signed())).body).toEqual(success);
  });

  it('answers 405 to other methods than PUT', async () => {
    const { status, body } = await api.send('GET', `/ajax/pns?action=subscribe&session=${session}`);
    expect({ status, code: body['code'] }).toEqual({ status: 405, code: 'METHOD_NOT_ALLOWED' });
  });
});
