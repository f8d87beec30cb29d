import { connect, type Settings } from 'node:http2';
import { once } from 'node:events';
import { generateKeyPairSync } from 'node:crypto';
import { Notification, Provider } from '@parse/node-apn';
import { fastify, type FastifyInstance } from 'fastify';
import { SignJWT, importPKCS8 } from 'jose';
import { Arrivals } from '../arrivals';
import { makeAuthority } from '../certificates';
import { type ApnsProvider, startApns } from './apns-provider';
import { apnsRoutes } from './apns.routes';

const authority = makeAuthority();
const device = 'a1'.repeat(32);
const topic = 'com.example.mail';
const body = '{"aps":{"alert":"Hi"}}';

let arrivals: Arrivals;
let apple: ApnsProvider;
let page: FastifyInstance;
let now: number;

beforeEach(async () => {
  now = Date.now();
  arrivals = new Arrivals(1000);
  apple = await startApns({ port: 0, authority, arrivals, now: () => now });
  page = fastify();
  apnsRoutes(page, apple, arrivals);
});

afterEach(async () => {
  await page.close();
  await apple.close();
});

interface Key {
  readonly keyid: string;
  readonly teamid: string;
  readonly privatekey: string;
}

/** The `Authorization` of a provider token that an independent library signs. */
async function bearer(
  key: Key,
  changes: { iat?: number; iss?: string; kid?: string; alg?: string } = {},
): Promise<string> {
  const { iat = now / 1000, iss = key.teamid, kid = key.keyid } = changes;
  const signed = new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid }).setIssuedAt(Math.floor(iat)).setIssuer(iss);
  return `bearer ${await signed.sign(await importPKCS8(key.privatekey, 'ES256'))}`;
}

interface Answer {
  status: number | undefined;
  reason?: string;
}

/** Sends pushes one after the other over one connection. */
async function send(
  pushes: readonly { headers: Record<string, string | string[]>; body?: string }[],
  identity: { cert?: string; key?: string } = {},
): Promise<Answer[]> {
  const session = connect(apple.url, { ca: authority.cert, ...identity });
  await once(session, 'remoteSettings');
  const answers: Answer[] = [];
  for (const { headers, body: sent = body } of pushes) {
    const head = { ':method': 'POST', ':path': `/3/device/${device}`, ...headers };
    const stream = session.request(head, { endStream: false });
    stream.setEncoding('utf8');
    stream.end(sent);
    const [answer] = (await once(stream, 'response')) as [{ ':status': number }];
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    const { reason } = JSON.parse(text || '{}') as { reason?: string };
    answers.push({ status: answer[':status'], ...(reason !== undefined && { reason }) });
  }
  session.destroy();
  return answers;
}

const makeKey = (keyid = 'KEY0000001', teamid = 'TEAM000001'): Key => apple.accounts.createKey(keyid, { teamid });

const ok = { status: 200 };
const refusal = (status: number, reason: string): Answer => ({ status, reason });

it.each<[string, Record<string, string | string[]>, Answer, string?]>([
  ['with all usual headers', {}, ok],
  ['without optional headers', { 'apns-push-type': [], 'apns-priority': [] }, ok],
  [
    'with all optional headers',
    {
      'apns-id': '123e4567-e89b-12d3-a456-42665544000a',
      'apns-expiration': '0',
      'apns-priority': '1',
      'apns-collapse-id': 'x'.repeat(64),
    },
    ok,
  ],
  ['to another path', { ':path': '/3/devices/a1' }, refusal(404, 'BadPath')],
  ['by GET', { ':method': 'GET' }, refusal(405, 'MethodNotAllowed'), ''],
  ['without a device token', { ':path': '/3/device/' }, refusal(400, 'MissingDeviceToken')],
  ['to a malformed device token', { ':path': '/3/device/hello' }, refusal(400, 'BadDeviceToken')],
  ['with two topics', { 'apns-topic': [topic, topic] }, refusal(400, 'DuplicateHeaders')],
  ['with an id that is not a UUID', { 'apns-id': 'd-1' }, refusal(400, 'BadMessageId')],
  ['with a text as expiration', { 'apns-expiration': 'tomorrow' }, refusal(400, 'BadExpirationDate')],
  ['with a priority of 7', { 'apns-priority': '7' }, refusal(400, 'BadPriority')],
  [
    'in the background with the priority 10',
    { 'apns-push-type': 'background', 'apns-priority': '10' },
    refusal(400, 'BadPriority'),
  ],
  [
    'in the background without a priority',
    { 'apns-push-type': 'background', 'apns-priority': [] },
    refusal(400, 'BadPriority'),
  ],
  ['in the background with the priority 5', { 'apns-push-type': 'background', 'apns-priority': '5' }, ok],
  ['of an unknown type', { 'apns-push-type': 'silent' }, refusal(400, 'InvalidPushType')],
  ['with a long collapse id', { 'apns-collapse-id': 'x'.repeat(65) }, refusal(400, 'BadCollapseId')],
  ['without a topic', { 'apns-topic': [] }, refusal(400, 'MissingTopic')],
  ['with a malformed topic', { 'apns-topic': 'com example' }, refusal(400, 'BadTopic')],
  ['of 4096 bytes', {}, ok, `{"aps":{"a":"${'x'.repeat(4096 - 16)}"}}`],
  ['of 4097 bytes', {}, refusal(413, 'PayloadTooLarge'), `{"aps":{"a":"${'x'.repeat(4097 - 16)}"}}`],
  ['without a body', {}, refusal(400, 'PayloadEmpty'), ''],
  ['with a body that is not JSON', {}, refusal(400, 'PayloadEmpty'), 'hello'],
  ['without aps', {}, refusal(400, 'PayloadEmpty'), '{"a":1}'],
])('a push %s gets the answer that Apple documents', async (_, changes, expected, sent = body) => {
  const usual = {
    authorization: await bearer(makeKey()),
    'apns-topic': topic,
    'apns-push-type': 'alert',
    'apns-priority': '10',
  };
  const headers = Object.fromEntries(Object.entries({ ...usual, ...changes }).filter(([, value]) => value.length > 0));
  expect(await send([{ headers, body: sent }])).toEqual([expected]);
});

describe('a provider token', () => {
  const withToken = (authorization: string) => ({ headers: { authorization, 'apns-topic': topic } });

  it('is required', async () => {
    expect(await send([{ headers: { 'apns-topic': topic } }, withToken('Basic x')])).toEqual([
      refusal(403, 'MissingProviderToken'),
      refusal(403, 'MissingProviderToken'),
    ]);
  });

  it.each<[string, Parameters<typeof bearer>[1], Answer]>([
    ['59 minutes old', { iat: -59 * 60 }, ok],
    ['61 minutes old', { iat: -61 * 60 }, refusal(403, 'ExpiredProviderToken')],
    ['from the future', { iat: 5 * 60 }, refusal(403, 'InvalidProviderToken')],
    ['of another team', { iss: 'TEAM000002' }, refusal(403, 'InvalidProviderToken')],
    ['of an unknown key', { kid: 'KEY0000009' }, refusal(403, 'InvalidProviderToken')],
  ])('that is %s gets the answer that Apple documents', async (_, { iat = 0, ...changes } = {}, expected) => {
    const token = await bearer(makeKey(), { ...changes, iat: now / 1000 + iat });
    expect(await send([withToken(token)])).toEqual([expected]);
  });

  it('that is signed with another key or not signed is invalid', async () => {
    const key = makeKey();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const forged = await bearer({ ...key, privatekey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() });
    const none = (await bearer(key)).replace(/\.[^.]*$/, '.');
    expect(await send([withToken(forged), withToken(none)])).toEqual([
      refusal(403, 'InvalidProviderToken'),
      refusal(403, 'InvalidProviderToken'),
    ]);
  });

  it('may be replaced every 20 minutes', async () => {
    const key = makeKey();
    const at = async (minutes: number): Promise<Answer | undefined> => {
      now += minutes * 60_000;
      return (await send([withToken(await bearer(key))]))[0];
    };
    expect([await at(0), await at(5), await at(5), await at(16), await at(5)]).toEqual([
      ok,
      ok,
      refusal(429, 'TooManyProviderTokenUpdates'),
      ok,
      refusal(429, 'TooManyProviderTokenUpdates'),
    ]);
  });

  it('of another team is refused on the same connection', async () => {
    const [own, other] = [makeKey(), makeKey('KEY0000002', 'TEAM000002')];
    expect(await send([withToken(await bearer(own)), withToken(await bearer(other))])).toEqual([
      ok,
      refusal(403, 'UnrelatedKeyIdInToken'),
    ]);
  });

  it('is valid only for the topics and the environment of its key', async () => {
    const scoped = apple.accounts.createKey('KEY0000003', { teamid: 'TEAM000001', topics: ['com.example.other'] });
    const beside = apple.accounts.createKey('KEY0000004', { teamid: 'TEAM000001', environment: 'development' });
    expect(await send([withToken(await bearer(scoped)), withToken(await bearer(beside))])).toEqual([
      refusal(400, 'TopicDisallowed'),
      refusal(403, 'BadEnvironmentKeyIdInToken'),
    ]);
  });

  it('allows a thousand concurrent streams after it was accepted, and before only one', async () => {
    const session = connect(apple.url, { ca: authority.cert });
    const limits: (number | undefined)[] = [];
    session.on('remoteSettings', ({ maxConcurrentStreams }: Settings) => limits.push(maxConcurrentStreams));
    await once(session, 'remoteSettings');
    const stream = session.request({
      ':method': 'POST',
      ':path': `/3/device/${device}`,
      ...withToken(await bearer(makeKey())).headers,
    });
    stream.end(body).resume();
    await once(session, 'remoteSettings');
    session.destroy();
    expect(limits).toEqual([1, 1000]);
  });
});

it('a device token belongs to the app that it was first used for', async () => {
  const authorization = await bearer(makeKey());
  const to = (name: string) => ({ headers: { authorization, 'apns-topic': name } });
  expect(await send([to(topic), to('com.example.other')])).toEqual([ok, refusal(400, 'DeviceTokenNotForTopic')]);
});

it('a certificate that Apple did not issue is ignored', async () => {
  const push = { headers: { 'apns-topic': topic } };
  const unknown = authority.client('Apple Push Services: somebody else');
  expect(await send([push], unknown)).toEqual([refusal(403, 'BadCertificate')]);
  expect(await send([push], authority.server)).toEqual([refusal(403, 'MissingProviderToken')]);
});

it('an independent client library can send pushes', async () => {
  const key = makeKey();
  const provider = new Provider({
    token: { key: key.privatekey, keyId: key.keyid, teamId: key.teamid },
    address: 'localhost',
    port: apple.port,
    ca: [authority.cert],
  });
  const notification = new Notification({ alert: 'Hi', topic });
  notification.pushType = 'alert';
  const outcome = await provider.send(notification, device);
  expect(outcome).toMatchObject({ sent: [{ device }], failed: [] });
  apple.device(device).faults.set({ status: 410, reason: 'Unregistered', times: 1 });
  expect((await provider.send(notification, device)).failed).toMatchObject([
    { device, status: 410, response: { reason: 'Unregistered', timestamp: expect.any(Number) as number } },
  ]);
  await provider.shutdown();
});

describe('the routes', () => {
  const call = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) => {
    const { statusCode, body: text } = await page.inject({ method, url, ...(payload && { payload }) });
    return { status: statusCode, body: (text === '' ? undefined : JSON.parse(text)) as unknown };
  };
  const pushAs = async (authorization: string): Promise<Answer | undefined> =>
    (await send([{ headers: { authorization, 'apns-topic': topic } }]))[0];
  const push = async (key: Key): Promise<Answer | undefined> => pushAs(await bearer(key));

  it('keys are created and revoked, and arrivals of a device are returned', async () => {
    const made = await call('POST', '/apns/keys', { keyid: 'KEY0000001', teamid: 'TEAM000001' });
    expect(made).toMatchObject({ status: 201, body: { keyid: 'KEY0000001' } });
    expect(await push(made.body as Key)).toEqual(ok);
    expect(await call('GET', `/apns/pushes?token=${device}`)).toMatchObject({
      body: {
        total: 1,
        accepted: 1,
        duplicates: 0,
        topic,
        items: [{ body, answer: 200, path: `/3/device/${device}` }],
      },
    });
    expect(await call('GET', '/apns')).toMatchObject({
      body: { endpoint: apple.url, keys: [{ keyid: 'KEY0000001', tokens: 1 }], connections: { total: 1 } },
    });
    expect(await call('DELETE', '/apns/keys/KEY0000001')).toMatchObject({ status: 204 });
    expect(await push(made.body as Key)).toEqual(refusal(403, 'InvalidProviderToken'));
    expect(await call('DELETE', '/apns/keys/KEY0000001')).toMatchObject({ status: 404 });
    expect(await call('DELETE', `/apns/pushes?token=${device}`)).toMatchObject({ status: 204 });
    expect(await call('GET', '/apns/devices')).toMatchObject({ body: [{ token: device, total: 0 }] });
  });

  it('a key that was created elsewhere is registered', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(await call('PUT', '/apns/keys/KEY0000007', { teamid: 'TEAM000001', pem })).toMatchObject({ status: 204 });
    const privatekey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(await push({ keyid: 'KEY0000007', teamid: 'TEAM000001', privatekey })).toEqual(ok);
    expect(await call('PUT', '/apns/keys/KEY0000008', { teamid: 'TEAM000001', pem: 'x' })).toMatchObject({
      status: 400,
    });
  });

  it('faults are set for a device or for all, and removed', async () => {
    const authorization = await bearer(makeKey());
    const fault = { status: 503, reason: 'Shutdown', times: 1 };
    expect(await call('PUT', '/apns/faults', fault)).toEqual({ status: 200, body: fault });
    expect([await pushAs(authorization), await pushAs(authorization)]).toEqual([refusal(503, 'Shutdown'), ok]);
    await call('PUT', `/apns/faults?token=${device}`, { status: 410, reason: 'Unregistered' });
    expect(await pushAs(authorization)).toEqual(refusal(410, 'Unregistered'));
    expect(await call('DELETE', `/apns/faults?token=${device}`)).toMatchObject({ status: 204 });
    expect(await pushAs(authorization)).toEqual(ok);
    expect(await call('PUT', '/apns/go-away', { afterStreams: 5 })).toMatchObject({ status: 204 });
    expect(await call('GET', '/apns')).toMatchObject({ body: { goAwayAfter: 5 } });
  });

  it('certificates are issued and revoked', async () => {
    expect(await call('POST', '/apns/certificates', { topic, password: 'secret' })).toMatchObject({ status: 201 });
    expect(await call('DELETE', `/apns/certificates/${topic}`)).toMatchObject({ status: 204 });
    expect(await call('DELETE', `/apns/certificates/${topic}`)).toMatchObject({ status: 404 });
  });
});
