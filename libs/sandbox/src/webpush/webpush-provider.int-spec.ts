import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { Agent as HttpsAgent } from 'node:https';
import { type FastifyInstance, fastify } from 'fastify';
import { SignJWT } from 'jose';
import { encrypt, generateVAPIDKeys, sendNotification, WebPushError } from 'web-push';
import { Arrivals } from '../arrivals';
import { makeAuthority } from '../certificates';
import { type PushSubscriptionJson, startWebpush, type WebpushProvider } from './webpush-provider';
import { webpushRoutes } from './webpush.routes';

const authority = makeAuthority();
const agent = new HttpsAgent({ ca: authority.cert });
const vapid = generateVAPIDKeys();
const subject = 'mailto:push@example.com';
const hourSeconds = 60 * 60;

let arrivals: Arrivals;
let service: WebpushProvider;
let subscription: PushSubscriptionJson;
let session: ClientHttp2Session;
let routes: FastifyInstance;
let nowMs: number;

beforeEach(async () => {
  nowMs = Date.now();
  arrivals = new Arrivals(100);
  service = await startWebpush({ port: 0, authority, arrivals, now: () => nowMs });
  subscription = service.subscribe(vapid.publicKey, 'some-browser');
  session = connect(service.url, { ca: authority.cert });
  routes = fastify();
  webpushRoutes(routes, service, arrivals);
});

afterEach(async () => {
  session.destroy();
  await service.close();
  await routes.close();
  arrivals.close();
});
afterAll(() => agent.destroy());

const coordinate = (start: number): string =>
  Buffer.from(vapid.publicKey, 'base64url')
    .subarray(start, start + 32)
    .toString('base64url');
const privateKey = createPrivateKey({
  key: { kty: 'EC', crv: 'P-256', x: coordinate(1), y: coordinate(33), d: vapid.privateKey },
  format: 'jwk',
});

interface Token {
  readonly aud?: string;
  readonly sub?: string;
  readonly expiresInSeconds?: number;
  readonly key?: KeyObject;
  readonly alg?: string;
}

async function authorization(token: Token = {}, k = vapid.publicKey): Promise<string> {
  const { aud = service.url, sub = subject, expiresInSeconds = hourSeconds, key = privateKey, alg = 'ES256' } = token;
  const t = await new SignJWT({ aud, sub, exp: Math.floor(nowMs / 1000) + expiresInSeconds })
    .setProtectedHeader({ typ: 'JWT', alg })
    .sign(key);
  return `vapid t=${t}, k=${k}`;
}

function encrypted(text: string, { keys } = subscription): Buffer {
  return encrypt(keys.p256dh, keys.auth, text, 'aes128gcm').cipherText;
}

interface Push {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: Buffer;
}

/** Sends a message over HTTP/2; by default a message that follows the rules. */
async function push({ method = 'POST', path, headers = {}, body = encrypted('Hello') }: Push = {}) {
  const usual = {
    ':method': method,
    ':path': path ?? new URL(subscription.endpoint).pathname,
    authorization: await authorization(),
    'content-encoding': 'aes128gcm',
    'content-type': 'application/octet-stream',
    ttl: '60',
  };
  const sent = Object.entries({ ...usual, ...headers }).filter(([, value]) => value !== undefined);
  const stream = session.request(Object.fromEntries(sent));
  stream.end(body);
  const unanswered = once(stream, 'close').then((): never => {
    throw new Error('The connection was closed without an answer.');
  });
  const response = once(stream, 'response') as Promise<[Record<string, string | number>]>;
  const [answered] = await Promise.race([response, unanswered]);
  let text = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
  return {
    status: answered[':status'],
    headers: answered,
    json: text === '' ? undefined : (JSON.parse(text) as unknown),
  };
}

it('a valid message is accepted, decrypted and recorded', async () => {
  const answer = await push({ headers: { urgency: 'high', topic: 'inbox' }, body: encrypted('Hello, Welt 👋') });
  expect(answer).toMatchObject({ status: 201, headers: { ttl: '60' } });
  expect(answer.headers['location']).toMatch(new RegExp(`^${service.url}/messages/[\\w-]{22}$`));
  expect(arrivals.since(0)).toMatchObject([
    {
      provider: 'webpush',
      target: 'some-browser',
      answer: 201,
      isDuplicate: false,
      decryptedBody: 'Hello, Welt 👋',
      checks: [{ name: 'encryption', verdict: 'valid' }],
    },
  ]);
});

it('a message of the library web-push is accepted', async () => {
  const options = { vapidDetails: { subject, ...vapid }, TTL: 5, agent, contentEncoding: 'aes128gcm' } as const;
  const { statusCode } = await sendNotification(subscription, 'By the library', options);
  expect(statusCode).toBe(201);
  expect(arrivals.since(0)).toMatchObject([{ decryptedBody: 'By the library', answer: 201 }]);
});

it('the library web-push reads a refusal', async () => {
  const options = { vapidDetails: { subject, ...generateVAPIDKeys() }, agent };
  const error: unknown = await sendNotification(subscription, 'text', options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WebPushError);
  expect(error).toMatchObject({ statusCode: 403 });
});

const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

it.each<[string, () => Promise<string | undefined> | string | undefined, number]>([
  ['absent', () => undefined, 401],
  ['of another scheme', async () => (await authorization()).replace('vapid', 'WebPush'), 403],
  ['without a key', async () => (await authorization()).replace(/, k=.*/, ''), 403],
  ['without a token', () => `vapid k=${vapid.publicKey}`, 403],
  ['not a token', () => `vapid t=a.b.c, k=${vapid.publicKey}`, 403],
  ['with a key that is not a point', () => authorization({}, 'A'.repeat(87)), 403],
  ['signed with another key', () => authorization({ key: other.privateKey }), 403],
  ['signed with RSA', () => authorization({ key: rsa.privateKey, alg: 'RS256' }), 403],
  ['for another audience', () => authorization({ aud: 'https://push.example.com' }), 403],
  ['for the endpoint instead of its origin', () => authorization({ aud: subscription.endpoint }), 403],
  ['expired', () => authorization({ expiresInSeconds: -1 }), 403],
  ['valid for more than 24 hours', () => authorization({ expiresInSeconds: 24 * hourSeconds + 5 }), 403],
  ['without a contact', () => authorization({ sub: '' }), 403],
  ['with a contact that is not an address', () => authorization({ sub: 'mailto:<push@example.com>' }), 403],
])('an Authorization that is %s is refused', async (_, header, status) => {
  const answer = await push({ headers: { authorization: await header() } });
  expect(answer).toMatchObject({ status, json: { code: status, errno: 109 } });
  expect(arrivals.since(0)).toMatchObject([{ answer: status }]);
});

it.each<[string, (header: string) => string]>([
  ['in capitals', (header) => header.replace('vapid', 'Vapid')],
  ['with its parameters in the other order', (header) => header.replace(/ t=(.*), k=(.*)/, ' k=$2,t=$1')],
  ['with quoted parameters', (header) => header.replace(/t=(.*), k=(.*)/, 't="$1", k="$2"')],
])('an Authorization %s is accepted', async (_, change) => {
  expect(await push({ headers: { authorization: change(await authorization()) } })).toMatchObject({ status: 201 });
});

it('a token is refused after it has expired, although it was accepted before', async () => {
  const headers = { authorization: await authorization({ expiresInSeconds: 60 }) };
  expect((await push({ headers })).status).toBe(201);
  nowMs += 60_000;
  expect((await push({ headers })).status).toBe(403);
});

it('a subscription without a key is open to every application server', async () => {
  subscription = service.subscribe();
  expect((await push()).status).toBe(201);
});

it.each<[string, Push, number, number]>([
  ['another method', { method: 'PUT' }, 405, 0],
  ['an unknown endpoint', { path: '/push/unknown' }, 404, 102],
  ['a path that is not an endpoint', { path: '/' }, 404, 102],
  ['no TTL', { headers: { ttl: undefined } }, 400, 111],
  ['a TTL that is not an integer', { headers: { ttl: '1.5' } }, 400, 112],
  ['a negative TTL', { headers: { ttl: '-1' } }, 400, 112],
  ['an unknown urgency', { headers: { urgency: 'urgent' } }, 400, 0],
  ['a topic of 33 characters', { headers: { topic: 'a'.repeat(33) } }, 400, 113],
  ['a topic with a colon', { headers: { topic: 'ox:mail' } }, 400, 113],
  ['an empty topic', { headers: { topic: '' } }, 400, 113],
  ['no encoding', { headers: { 'content-encoding': undefined } }, 400, 110],
  ['the encoding of a draft', { headers: { 'content-encoding': 'aesgcm' } }, 400, 110],
  ['a body that is not encrypted', { body: Buffer.from('{"title":"Hello"}') }, 400, 110],
  ['4097 bytes', { body: Buffer.alloc(4097) }, 413, 104],
  ['more than a mebibyte', { body: Buffer.alloc(1024 * 1024 + 1) }, 413, 104],
])('a message with %s is refused', async (_, given, status, errno) => {
  expect(await push(given)).toMatchObject({ status, json: { code: status, errno } });
  expect(arrivals.since(0)).toMatchObject([{ answer: status }]);
  expect(service.subscription('some-browser')?.accepted).toBe(0);
});

it('4096 bytes are accepted, and a message without content is too', async () => {
  const body = encrypted('x'.repeat(4096 - 86 - 17));
  expect(body.length).toBe(4096);
  expect((await push({ body })).status).toBe(201);
  expect((await push({ body: Buffer.alloc(0), headers: { 'content-encoding': undefined } })).status).toBe(201);
});

it('a long TTL is reduced to four weeks', async () => {
  expect(await push({ headers: { ttl: '9999999' } })).toMatchObject({ status: 201, headers: { ttl: '2419200' } });
});

it('the push service accepts a message that the user agent cannot decrypt, and its check is invalid', async () => {
  const stranger = service.subscribe(vapid.publicKey);
  expect((await push({ body: encrypted('text', stranger) })).status).toBe(201);
  const [arrival] = arrivals.since(0);
  expect(arrival).toMatchObject({ checks: [{ name: 'encryption', verdict: 'invalid' }] });
  expect(arrival).not.toHaveProperty('decryptedBody');
});

it('faults can be set for one subscription or for all', async () => {
  service.faults.set({ status: 429, headers: { 'Retry-After': '7' }, times: 1 });
  expect(await push()).toMatchObject({ status: 429, headers: { 'retry-after': '7' }, json: { code: 429, errno: 201 } });
  service.subscription('some-browser')?.faults.set({ status: 410, times: 1 });
  expect(await push()).toMatchObject({ status: 410, json: { errno: 106 } });
  expect((await push()).status).toBe(201);
  service.faults.set({ goAway: true, times: 1 });
  const ended = once(session, 'goaway');
  expect((await push()).status).toBe(201);
  await ended;
  session = connect(service.url, { ca: authority.cert });
  service.faults.set({ reset: true, times: 1 });
  await expect(push()).rejects.toThrow();
  expect(arrivals.since(0).map(({ answer }) => answer)).toEqual([429, 410, 201, 201, 'reset']);
});

describe('the routes', () => {
  const ask = async (method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, payload?: object) => {
    const answer = await routes.inject({ method, url, ...(payload && { payload }) });
    return { status: answer.statusCode, json: answer.body === '' ? undefined : answer.json<unknown>() };
  };

  it('create a subscription, return and await its messages, and end it', async () => {
    const made = await ask('POST', '/webpush/subscriptions', { applicationServerKey: vapid.publicKey, token: 'made' });
    expect(made).toMatchObject({
      status: 201,
      json: { pushSubscription: { endpoint: `${service.url}/push/made`, expirationTime: null } },
    });
    ({ pushSubscription: subscription } = made.json as { pushSubscription: PushSubscriptionJson });
    const waiting = ask('GET', '/webpush/pushes?token=made&waitMs=30000');
    const navigate = 'https://mail.example.com/';
    const notification = { title: 'Jane', body: 'Hello', navigate, app_badge: '3', silent: true };
    const body = () => encrypted(JSON.stringify({ web_push: 8030, notification }));
    await push({ body: body() });
    const { json } = await waiting;
    expect(json).toMatchObject({
      total: 1,
      items: [{ answer: 201, shown: { title: 'Jane', body: 'Hello', navigate, badge: '3', isSilent: true } }],
    });
    expect(JSON.stringify(json)).not.toContain('eyJ'); // the beginning of every token
    await push({ body: body() });
    expect((await ask('GET', '/webpush/pushes?token=made')).json).toMatchObject({ total: 2, duplicates: 1 });
    await ask('DELETE', '/webpush/pushes?token=made');
    expect((await ask('GET', '/webpush/pushes?token=made')).json).toMatchObject({ total: 0, items: [] });
    expect((await ask('DELETE', '/webpush/subscriptions?token=made')).status).toBe(204);
    expect((await push()).status).toBe(410);
  });

  it.each<[string, object]>([
    ['no title', { web_push: 8030, notification: { navigate: 'https://example.com/' } }],
    ['a relative page', { web_push: 8030, notification: { title: 'a', navigate: '/inbox' } }],
    ['another number', { web_push: 1, notification: { title: 'a', navigate: 'https://example.com/' } }],
  ])('report a declarative message with %s', async (_, message) => {
    await push({ body: encrypted(JSON.stringify(message)) });
    const { json } = await ask('GET', '/webpush/pushes?token=some-browser');
    expect(json).toMatchObject({
      items: [{ checks: [{ verdict: 'valid' }, { name: 'payload', verdict: 'invalid' }] }],
    });
  });

  it('report a declarative message without a page, which only a service worker shows', async () => {
    await push({ body: encrypted(JSON.stringify({ web_push: 8030, notification: { title: 'a' } })) });
    const { json } = await ask('GET', '/webpush/pushes?token=some-browser');
    const checks = [{ verdict: 'valid' }, { verdict: 'valid' }, { name: 'navigate', verdict: 'missing' }];
    expect(json).toMatchObject({ items: [{ checks, shown: { title: 'a' } }] });
  });

  it('set and remove faults', async () => {
    await ask('PUT', '/webpush/faults?token=some-browser', { status: 503, headers: { 'Retry-After': '1' } });
    expect(await push()).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect((await ask('DELETE', '/webpush/faults?token=some-browser')).status).toBe(204);
    expect((await push()).status).toBe(201);
    expect((await ask('PUT', '/webpush/faults?token=nobody', {})).status).toBe(404);
    expect((await ask('GET', '/webpush')).json).toEqual({ endpoint: service.url, connections: 1 });
  });
});
