import { createECDH, randomBytes } from 'node:crypto';
import { SubscriptionStore } from '@pns/persistence';
import { newVapidKeys, type VapidKeys } from '@pns/transport-webpush';
import { testApi, type TestApi, type TestRequest } from '../testing/test-api';

const own: VapidKeys = newVapidKeys();
const client = { context: 1, user: 14, client: 'web', transport: 'webpush', topics: ['ox:mail:*'] };

const files = {
  'pns-webpush-options.yml': JSON.stringify({
    own: { ...own, origins: ['https://mail.example.com'] },
    lan: { httpsOnly: false },
    off: { enabled: false },
  }),
};

let api: TestApi;

beforeAll(async () => {
  api = await testApi({ files });
});

afterEach(() => api.send('DELETE', '/v1/subscriptions?context=1'));

afterAll(() => api.close());

/** A subscription as `PushSubscription.toJSON()` of a browser returns it. */
function browser(endpoint = `https://push.example.com/${randomBytes(9).toString('base64url')}`) {
  const p256dh = createECDH('prime256v1').generateKeys('base64url');
  const keys = { p256dh, auth: randomBytes(16).toString('base64url') };
  return { endpoint, expirationTime: null as number | null, keys };
}

const register = (pushSubscription: unknown, changes: object = {}) =>
  api.send('POST', '/v1/subscriptions', { body: { ...client, pushSubscription, ...changes } });

const keysOf = async (id: unknown) =>
  (await api.app.get(SubscriptionStore, { strict: false }).keysOf([String(id)])).get(String(id))?.();

const keyOf = async (name: string): Promise<string> =>
  String((await api.send('GET', `/v1/clients/${name}/webpush-key`)).body['applicationServerKey']);

describe('the key for browsers', () => {
  it('is the same for all clients without their own, in every process', async () => {
    const key = await keyOf('web');
    expect(key).toMatch(/^B[\w-]{86}$/);
    expect(await keyOf('other')).toBe(key);
    const sibling = await api.sibling();
    expect((await sibling.send('GET', '/v1/clients/web/webpush-key')).body).toEqual({ applicationServerKey: key });
    await sibling.close();
  });

  it('is that of the client if it has its own, from the file or the API', async () => {
    expect(await keyOf('own')).toBe(own.publicKey);
    const pair = newVapidKeys();
    const put = await api.send('PUT', '/v1/clients/byApi/transports/webpush', { body: { ...pair } });
    expect(put).toMatchObject({
      status: 200,
      body: { options: { publicKey: pair.publicKey }, secrets: ['privateKey'] },
    });
    expect(await keyOf('byApi')).toBe(pair.publicKey);
    const shown = JSON.stringify([put.body, (await api.send('GET', '/v1/audit')).body, await api.contents()]);
    expect(shown).not.toContain(pair.privateKey);
  });

  it('is answered to a session token, in the query and as a bearer token, and to nobody without credentials', async () => {
    const { body } = await api.send('POST', '/v1/sessions', { body: { context: 1, user: 14 } });
    const token = String(body['token']);
    const path = '/v1/clients/web/webpush-key';
    expect((await api.send('GET', `${path}?session=${token}`, { key: null })).status).toBe(200);
    expect((await api.send('GET', path, { key: token })).status).toBe(200);
    expect((await api.send('GET', path, { key: null })).body).toMatchObject({ code: 'API_KEY_MISSING' });
    const broken = await api.send('GET', `${path}?session=${token}x`, { key: null });
    expect(broken).toMatchObject({ status: 401, body: { code: 'SESSION_INVALID' } });
  });

  describe('can be read by pages of other origins', () => {
    const mail = 'https://mail.example.com';
    /** The status, and the origin whose pages may read the answer. */
    const ask = async (method: string, client: string, origin: string, request: TestRequest = {}) => {
      const { status, headers } = await api.send(method, `/v1/clients/${client}/webpush-key`, {
        ...request,
        headers: { origin, ...request.headers },
      });
      expect(headers.get('vary')).toBe('origin');
      return [status, headers.get('access-control-allow-origin')];
    };

    it('which are all, or those that the client names', async () => {
      expect(await ask('GET', 'web', 'https://a.example')).toEqual([200, '*']);
      expect(await ask('GET', 'own', mail)).toEqual([200, mail]);
      for (const origin of ['https://evil.example', `${mail}:8443`, 'http://mail.example.com', 'null', '']) {
        expect(await ask('GET', 'own', origin)).toEqual([200, null]);
      }
    });

    it('after a preflight without credentials', async () => {
      const preflight = { key: null, headers: { 'access-control-request-method': 'GET' } };
      expect(await ask('OPTIONS', 'web', 'https://a.example', preflight)).toEqual([204, '*']);
      expect(await ask('OPTIONS', 'own', mail, preflight)).toEqual([204, mail]);
      expect(await ask('OPTIONS', 'own', 'https://evil.example', preflight)).toEqual([204, null]);
      const { headers } = await api.send('OPTIONS', '/v1/clients/own/webpush-key', { key: null });
      expect(Object.fromEntries(headers)).toMatchObject({
        'access-control-allow-methods': 'GET',
        'access-control-allow-headers': 'authorization',
        'access-control-max-age': '3600',
      });
    });

    it('with each error too', async () => {
      const key = async (scopes: string[], more = {}): Promise<string> => {
        const made = await api.send('POST', '/v1/api-keys', { body: { name: 'page', scopes, ...more } });
        return String(made.body['key']);
      };
      const [ingest, slow] = [await key(['ingest']), await key(['client'], { rateLimitPerSecond: 0.01, burst: 1 })];
      const asks: [number, string, TestRequest][] = [
        [401, 'own', { key: null }],
        [401, 'own', { key: 'wrong' }],
        [403, 'own', { key: ingest }],
        [200, 'own', { key: slow }],
        [429, 'own', { key: slow }],
        [400, 'a%20b', {}],
      ];
      for (const [status, client, request] of asks) {
        const allowed = client === 'own' ? mail : '*';
        expect(await ask('GET', client, mail, request)).toEqual([status, allowed]);
        const stranger = client === 'own' ? null : '*';
        expect((await ask('GET', client, 'https://evil.example', request))[1]).toBe(stranger);
      }
      const broken = await api.send('GET', '/v1/clients/own/webpush-key?session=x', {
        key: null,
        headers: { origin: mail },
      });
      expect([broken.status, broken.headers.get('access-control-allow-origin')]).toEqual([401, mail]);
    });
  });
});

describe('a subscription of a browser', () => {
  it('is registered as the browser gives it; its endpoint is the token, and no answer contains its keys', async () => {
    const given = browser('https://PUSH.example.com:443/a%7Eb');
    const answer = await register(given);
    expect(answer).toMatchObject({
      status: 201,
      body: { transport: 'webpush', token: 'https://push.example.com/a~b' },
    });
    expect(answer.body).not.toHaveProperty('warnings');
    expect(await keysOf(answer.body['id'])).toEqual({ ...given.keys, applicationServerKey: await keyOf('web') });
    const shown = JSON.stringify([
      answer.body,
      (await api.send('GET', '/v1/subscriptions?context=1')).body,
      (await api.send('GET', '/v1/audit')).body,
      await api.contents(),
    ]);
    expect(shown).not.toContain(given.keys.auth);
    expect(shown).not.toContain(given.keys.p256dh);
  });

  it('is the same one when it is registered again, and keeps its VAPID key after a rotation', async () => {
    const given = browser();
    const [first, key] = [await register(given), await keyOf('web')];
    const pair = newVapidKeys();
    await api.send('PUT', '/v1/clients/web/transports/webpush', { body: { ...pair } });
    const again = await register({ ...given, keys: { ...given.keys, auth: `${given.keys.auth}==` } });
    expect(again).toMatchObject({ status: 200, body: { id: first.body['id'] } });
    expect(await keysOf(first.body['id'])).toMatchObject({ applicationServerKey: key });
    const fresh = await register(browser());
    expect(await keysOf(fresh.body['id'])).toMatchObject({ applicationServerKey: pair.publicKey });
    const named = await register({ ...browser(), applicationServerKey: key });
    expect(await keysOf(named.body['id'])).toMatchObject({ applicationServerKey: key });
    await api.send('DELETE', '/v1/clients/web/transports/webpush');
  });

  it('is known by its other name', async () => {
    expect(await register(browser(), { transport: 'unifiedpush' })).toMatchObject({ body: { transport: 'webpush' } });
  });

  it('expires when the browser or the request says, whichever is earlier', async () => {
    const [soon, later] = [Date.now() + 60_000, Date.now() + 3_600_000];
    expect(await register({ ...browser(), expirationTime: soon + 0.5 })).toMatchObject({ body: { expires: soon } });
    const both = { ...browser(), expirationTime: later };
    expect(await register(both, { expires: soon })).toMatchObject({ body: { expires: soon } });
    expect((await register(browser())).body).not.toHaveProperty('expires');
  });

  it('may name an endpoint without TLS only if the client allows it', async () => {
    const given = browser('http://push.lan/1');
    expect(await register(given)).toMatchObject({ status: 422, body: { code: 'TOKEN_INVALID' } });
    expect(await register(given, { client: 'lan' })).toMatchObject({ status: 201 });
  });

  it('of a client that is switched off has a warning', async () => {
    const { body } = await register(browser(), { client: 'off' });
    expect(body).toMatchObject({ warnings: [{ code: 'CLIENT_SWITCHED_OFF' }] });
  });

  const { keys } = browser();
  const offCurve = Buffer.from(keys.p256dh, 'base64url');
  offCurve[64] = (offCurve[64] ?? 0) ^ 1;
  const compressed = createECDH('prime256v1').generateKeys('base64url', 'compressed');

  it.each<[string, object, string, RegExp]>([
    ['no pushSubscription', { pushSubscription: undefined }, 'BODY_INVALID', /^pushSubscription is missing/],
    ['a text', { pushSubscription: 'x' }, 'BODY_INVALID', /^pushSubscription must be/],
    ['no keys', { pushSubscription: { ...browser(), keys: undefined } }, 'BODY_INVALID', /keys is missing/],
    [
      'a point beside the curve',
      at({ p256dh: offCurve.toString('base64url') }),
      'BODY_INVALID',
      /p256dh must be an unc/,
    ],
    ['a compressed point', at({ p256dh: compressed }), 'BODY_INVALID', /p256dh must be an uncompressed/],
    ['the point at infinity', at({ p256dh: Buffer.alloc(65).toString('base64url') }), 'BODY_INVALID', /p256dh/],
    ['a short secret', at({ auth: randomBytes(15).toString('base64url') }), 'BODY_INVALID', /auth must be 16 bytes/],
    ['a long secret', at({ auth: randomBytes(17).toString('base64url') }), 'BODY_INVALID', /auth must be 16 bytes/],
    ['a secret that is not base64', at({ auth: '!'.repeat(22) }), 'BODY_INVALID', /auth must be 16 bytes/],
    ['an end in the past', { pushSubscription: { ...browser(), expirationTime: 1 } }, 'BODY_INVALID', /in the past/],
    ['an end as text', { pushSubscription: { ...browser(), expirationTime: 'x' } }, 'BODY_INVALID', /expirationTime/],
    ['no endpoint', { pushSubscription: { keys } }, 'BODY_INVALID', /endpoint is missing/],
    ['a relative endpoint', { pushSubscription: browser('/push/1') }, 'TOKEN_INVALID', /endpoint must be the endpoint/],
    ['credentials', { pushSubscription: browser('https://a:b@h.example/') }, 'TOKEN_INVALID', /without credentials/],
    [
      'another token',
      { pushSubscription: browser(), token: 'https://x.example/' },
      'BODY_INVALID',
      /^token must be abs/,
    ],
    [
      'a VAPID key of nobody',
      { pushSubscription: { ...browser(), applicationServerKey: newVapidKeys().publicKey } },
      'BODY_INVALID',
      /is not a VAPID key of the client web/,
    ],
    [
      'keys for another transport',
      { transport: 'apns', token: 'ab12', pushSubscription: browser() },
      'BODY_INVALID',
      /^pushSubscription is only for webpush/,
    ],
  ])('with %s is refused, and nothing is stored', async (_, changes, code, sentence) => {
    const { status, body } = await api.send('POST', '/v1/subscriptions', { body: { ...client, ...changes } });
    expect([status, body['code']]).toEqual([422, code]);
    expect(body['detail']).toMatch(sentence);
    expect((await api.send('GET', '/v1/subscriptions?context=1')).body['items']).toEqual([]);
  });
});

function at(changes: object): object {
  const given = browser();
  return { pushSubscription: { ...given, keys: { ...given.keys, ...changes } } };
}

describe("the original's client API", () => {
  const success = { data: { success: true } };
  let session: string;

  const put = async (action: string, body: object) =>
    (await api.send('PUT', `/ajax/pns?action=${action}&session=${session}`, { body, key: null })).body;

  beforeAll(async () => {
    const claims = { context: 1, user: 14, client: 'web' };
    session = String((await api.send('POST', '/v1/sessions', { body: claims })).body['token']);
  });

  it('subscribes and unsubscribes a browser', async () => {
    const expirationTime = Date.now() + 3_600_000;
    const pushSubscription = { ...browser(), expirationTime };
    const body = { transport: 'webpush', topics: ['ox:mail:*'], pushSubscription };
    expect(await put('subscribe', body)).toEqual(success);
    const { items } = (await api.send<{ items: object[] }>('GET', '/v1/subscriptions?context=1')).body;
    expect(items).toMatchObject([
      { user: 14, client: 'web', token: pushSubscription.endpoint, expires: expirationTime },
    ]);
    expect(await put('unsubscribe', { transport: 'webpush', pushSubscription })).toEqual(success);
    expect((await api.send('GET', '/v1/subscriptions?context=1')).body['items']).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['no pushSubscription', {}, 'SVL-0002'],
    ['null', { pushSubscription: null }, 'SVL-0002'],
    ['a short secret', at({ auth: 'AAAA' }), 'SVL-0009'],
    ['an endpoint that is none', { pushSubscription: browser('x') }, 'PNS-0012'],
  ])('refuses %s with its own error codes', async (_, changes, code) => {
    expect(await put('subscribe', { transport: 'webpush', topics: ['*'], ...changes })).toMatchObject({ code });
  });
});
