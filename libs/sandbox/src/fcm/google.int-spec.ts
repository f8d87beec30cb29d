import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { connect as connectTls } from 'node:tls';
import { fastify, type FastifyInstance } from 'fastify';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { getMessaging, type Messaging } from 'firebase-admin/messaging';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { Arrivals } from '../arrivals';
import { makeAuthority } from '../certificates';
import { fcmRoutes } from './fcm.routes';
import { type FcmProvider, startFcm } from './fcm-provider';
import type { ServiceAccountKey } from './google-accounts';

const authority = makeAuthority();
const phone = 'a-phone:APA91bExample';
const scope = 'https://www.googleapis.com/auth/firebase.messaging';
const audience = 'https://oauth2.googleapis.com/token';
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const now = (): number => Math.floor(Date.now() / 1000);

let arrivals: Arrivals;
let google: FcmProvider;
let account: ServiceAccountKey;

beforeAll(async () => {
  arrivals = new Arrivals(1000);
  google = await startFcm({ port: 0, authority, arrivals });
  account = google.accounts.create('pns-test');
});

afterAll(async () => {
  await google.close();
  arrivals.close();
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly json: Record<string, unknown>;
}

/** Sends a request over HTTP/1.1. */
async function post(path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> {
  const request = requestHttps(google.url + path, { method: 'POST', ca: authority.cert, headers });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: response.statusCode ?? 0, headers: response.headers, json };
}

const assertion = (claims: object, key: string | Uint8Array = account.private_key, alg = 'RS256'): Promise<string> =>
  new SignJWT({ iss: account.client_email, scope, aud: audience, iat: now(), exp: now() + 3600, ...claims })
    .setProtectedHeader({ alg })
    .sign(typeof key === 'string' ? createPrivateKey(key) : key);

const exchange = (given: string, type = grantType): Promise<Answer> => {
  const body = new URLSearchParams({ grant_type: type, assertion: given }).toString();
  return post('/token', body, { 'content-type': 'application/x-www-form-urlencoded' });
};

async function accessToken(claims: object = {}): Promise<string> {
  const { json } = await exchange(await assertion(claims));
  return String(json['access_token']);
}

const send = (message: unknown, token: string, project = 'pns-test'): Promise<Answer> => {
  const headers = { 'content-type': 'application/json', ...(token !== '' && { authorization: `Bearer ${token}` }) };
  const body = typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify({ message });
  return post(`/v1/projects/${project}/messages:send`, body, headers);
};

describe('the token endpoint', () => {
  it('issues a token for an hour', async () => {
    expect(await exchange(await assertion({}))).toMatchObject({
      status: 200,
      json: { access_token: expect.stringMatching(/^ya29\./) as string, expires_in: 3599, token_type: 'Bearer' },
    });
  });

  const strangersKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;
  const longer = /short-lived token \(60 minutes\)/;
  it.each<[string, () => Promise<string>, string, RegExp]>([
    ['an assertion of an unknown account', () => assertion({ iss: 'x@y' }), 'invalid_grant', /account not found/],
    [
      'an assertion that is signed with another key',
      () => assertion({}, strangersKey),
      'invalid_grant',
      /Invalid JWT Signature/,
    ],
    [
      'an assertion that is signed with a shared secret',
      () => assertion({}, Buffer.alloc(32), 'HS256'),
      'invalid_grant',
      /RS256/,
    ],
    [
      'an assertion for another audience',
      () => assertion({ aud: 'https://localhost/token' }),
      'invalid_grant',
      /audience/,
    ],
    ['an assertion for more than an hour', () => assertion({ exp: now() + 3700 }), 'invalid_grant', longer],
    [
      'an assertion that has expired',
      () => assertion({ iat: now() - 7200, exp: now() - 3600 }),
      'invalid_grant',
      longer,
    ],
    ['an assertion from the future', () => assertion({ iat: now() + 900, exp: now() + 4500 }), 'invalid_grant', longer],
    ['an assertion without a scope', () => assertion({ scope: undefined }), 'invalid_scope', /scope/],
    ['an assertion with an unknown scope', () => assertion({ scope: `${scope} https://x` }), 'invalid_scope', /scope/],
    ['an assertion that is not a JWT', () => Promise.resolve('a.b.c'), 'invalid_grant', /Signature/],
  ])('refuses %s', async (_, make, error, description) => {
    expect(await exchange(await make())).toMatchObject({
      status: 400,
      json: { error, error_description: expect.stringMatching(description) as string },
    });
  });

  it('refuses another grant type and a body that is not a form', async () => {
    expect(await exchange('x', 'password')).toMatchObject({ status: 400, json: { error: 'unsupported_grant_type' } });
    expect(await post('/token', '{}', { 'content-type': 'application/json' })).toMatchObject({
      status: 400,
      json: { error: 'invalid_request' },
    });
  });
});

describe('a message', () => {
  let token: string;
  beforeAll(async () => {
    token = await accessToken();
  });

  const refusal = (field: string | undefined, description: RegExp) => ({
    status: 400,
    json: {
      error: {
        code: 400,
        status: 'INVALID_ARGUMENT',
        message: expect.stringMatching(description) as string,
        ...(field !== undefined && {
          details: expect.arrayContaining([
            {
              '@type': 'type.googleapis.com/google.rpc.BadRequest',
              fieldViolations: [{ field, description: expect.any(String) as string }],
            },
          ]) as object[],
        }),
      },
    },
  });

  it.each<[string, unknown]>([
    ['texts as data', { token: phone, data: { a: '1' } }],
    ['names in camel case', { token: phone, android: { collapseKey: 'a', ttl: '3.5s', priority: 'high' } }],
    ['null', { token: phone, data: null, android: { ttl: null } }],
    ['keys of data that FCM overwrites', { token: phone, data: { collapse_key: 'a', notification: 'b' } }],
    ['the most data that fits', { token: phone, data: { a: 'x'.repeat(4095) } }],
  ])('with %s is accepted', async (_, message) => {
    expect(await send(message, token)).toMatchObject({
      status: 200,
      json: { name: expect.stringMatching(/^projects\/pns-test\/messages\/0:/) as string },
    });
  });

  it.each<[string, unknown, string | undefined, RegExp]>([
    ['a number as data', { token: phone, data: { n: 12 } }, 'message.data[0].value', /\(TYPE_STRING\), 12$/],
    ['null as data', { token: phone, data: { n: null } }, 'message.data', /TYPE_STRING/],
    ['nested data', { token: phone, data: { n: { a: 1 } } }, 'message.data[0].value', /TYPE_STRING/],
    [
      'an unknown field',
      { token: phone, titel: 'x' },
      'message',
      /Unknown name "titel" at 'message': Cannot find field/,
    ],
    ['an unknown nested field', { token: phone, android: { x: 1 } }, 'message.android', /Unknown name "x"/],
    [
      'a field with the name of an inherited property',
      { token: phone, constructor: 1 },
      'message',
      /Unknown name "constructor"/,
    ],
    ['half a surrogate pair', { token: phone, data: { a: '\ud83d' } }, 'message.data[0].value', /TYPE_STRING/],
    ['a list', { token: phone, notification: [] }, 'message.notification', /TYPE_MESSAGE/],
    ['an unknown priority', { token: phone, android: { priority: 'URGENT' } }, 'message.android.priority', /TYPE_ENUM/],
    ['a bare number as ttl', { token: phone, android: { ttl: 60 } }, 'message.android.ttl', /Duration/],
    ['a ttl of five weeks', { token: phone, android: { ttl: '3024000s' } }, 'message.android.ttl', /Invalid TTL/],
    ['text as a count', { token: phone, android: { notification: { notification_count: '1' } } }, undefined, /INT32/],
    ['text as a boolean', { token: phone, android: { direct_boot_ok: 'yes' } }, undefined, /TYPE_BOOL/],
    [
      'the key from in its data',
      { token: phone, data: { from: 'x' } },
      'message.data',
      /Invalid data payload key: from/,
    ],
    ['the key message_type in its data', { token: phone, data: { message_type: 'x' } }, 'message.data', /message_type/],
    ['the key google.x in its data', { token: phone, data: { 'google.x': 'x' } }, 'message.data', /google.x/],
    ['the key gcm.x in its data', { token: phone, android: { data: { 'gcm.x': 'x' } } }, 'message.data', /gcm.x/],
    ['a byte of data too many', { token: phone, data: { a: 'x'.repeat(4096) } }, undefined, /too big/],
    [
      'a notification that is too long',
      { token: phone, notification: { body: 'ü'.repeat(2048) } },
      undefined,
      /too big/,
    ],
    ['no recipient', { data: {} }, 'message', /Recipient of the message is not set/],
    ['two recipients', { token: phone, topic: 'x' }, 'message', /Recipient/],
    ['a malformed token', { token: 'no token' }, 'message.token', /not a valid FCM registration token/],
    ['no members', '{}', undefined, /not set/],
    ['a body that is not JSON', '{', '', /Invalid JSON payload/],
    ['a list as the body', '[]', '', /Invalid JSON payload/],
    ['a body that is not UTF-8', Buffer.from([0x22, 0xff, 0x22]), '', /Invalid JSON payload/],
  ])('with %s is refused', async (_, message, field, description) => {
    expect(await send(message, token)).toMatchObject(refusal(field, description));
  });

  it.each<[string, () => Promise<Answer>, number, string, string]>([
    ['no access token', () => send({}, ''), 401, 'UNAUTHENTICATED', 'CREDENTIALS_MISSING'],
    ['an unknown access token', () => send({}, 'x'), 401, 'UNAUTHENTICATED', 'ACCESS_TOKEN_EXPIRED'],
    [
      'an access token of another project',
      () => send({}, token, 'other'),
      403,
      'PERMISSION_DENIED',
      'IAM_PERMISSION_DENIED',
    ],
    [
      'an access token for another scope',
      async () => send({}, await accessToken({ scope: 'https://www.googleapis.com/auth/userinfo.email' })),
      403,
      'PERMISSION_DENIED',
      'ACCESS_TOKEN_SCOPE_INSUFFICIENT',
    ],
  ])('with %s is refused', async (_, ask, status, name, reason) => {
    const type = 'type.googleapis.com/google.rpc.ErrorInfo';
    expect(await ask()).toMatchObject({
      status,
      json: { error: { code: status, status: name, details: [{ '@type': type, reason, domain: 'googleapis.com' }] } },
    });
  });

  it('to another path is answered with 404', async () => {
    expect((await post('/v1/projects/pns-test/messages:sendAll', '{}')).status).toBe(404);
    expect((await post('/fcm/send', '{}')).status).toBe(404);
  });
});

describe('the Admin SDK of Google, connected to the sandbox', () => {
  let messaging: Messaging;
  let app: ReturnType<typeof initializeApp>;
  beforeAll(() => {
    // The Admin SDK has no option for Google's host, so this agent connects to the sandbox instead.
    class LedHere extends HttpsAgent {
      override createConnection(): ReturnType<typeof connectTls> {
        return connectTls({ host: '127.0.0.1', port: google.port, ca: authority.cert, servername: 'localhost' });
      }
    }
    const getAccessToken = async () => ({ access_token: await accessToken(), expires_in: 3599 });
    app = initializeApp({ projectId: 'pns-test', credential: { getAccessToken }, httpAgent: new LedHere() });
    messaging = getMessaging(app);
  });
  afterAll(() => deleteApp(app));

  it('sends a message', async () => {
    const message = { token: phone, data: { a: '1' }, android: { priority: 'high', ttl: 60_000 } } as const;
    expect(await messaging.send(message)).toMatch(/^projects\/pns-test\/messages\//);
  });

  it.each([
    ['UNREGISTERED', 'messaging/registration-token-not-registered'],
    ['SENDER_ID_MISMATCH', 'messaging/mismatched-credential'],
    ['INVALID_ARGUMENT', 'messaging/invalid-argument'],
    ['QUOTA_EXCEEDED', 'messaging/message-rate-exceeded'],
    ['THIRD_PARTY_AUTH_ERROR', 'messaging/third-party-auth-error'],
    ['INTERNAL', 'messaging/internal-error'],
  ] as const)('reads the error %s', async (error, code) => {
    google.device('a-bad-phone').faults.set({ error });
    await expect(messaging.send({ token: 'a-bad-phone' })).rejects.toMatchObject({ code });
  });
});

describe('HTTP/2', () => {
  const refusedStream = 7;

  /** An HTTP/2 frame: a head with length, type, flags and stream, then the payload. */
  const frame = (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  };

  /** The error codes of the RST_STREAM frames in `bytes`. */
  const readRefusals = (bytes: Buffer): number[] => {
    const codes: number[] = [];
    for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
      if (bytes[at + 3] === 3 && at + 13 <= bytes.length) codes.push(bytes.readUInt32BE(at + 9));
    }
    return codes;
  };

  it('refuses streams above a hundred if the client does not wait for the limit', async () => {
    const socket = connectTls({
      host: '127.0.0.1',
      port: google.port,
      ca: authority.cert,
      servername: 'localhost',
      ALPNProtocols: ['h2'],
    });
    await once(socket, 'secureConnect');
    // RFC 7541: :method POST, :scheme https and :path / by their indices, and :authority with the text that follows.
    const headers = Buffer.concat([Buffer.from([0x83, 0x87, 0x84, 0x01, 9]), Buffer.from('localhost')]);
    const streams = Array.from({ length: 150 }, (_, index) => frame(1, 4, 2 * index + 1, headers));
    socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0), ...streams]));
    let bytes = Buffer.alloc(0);
    while (readRefusals(bytes).length < 50) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      bytes = Buffer.concat([bytes, chunk]);
    }
    expect(readRefusals(bytes)).toEqual(Array(50).fill(refusedStream));
    expect(google.mostStreams).toBe(100);
    socket.destroy();
  });

  it('announces a limit of a hundred streams', async () => {
    const session = connectHttp2(google.url, { ca: authority.cert });
    await once(session, 'remoteSettings');
    expect(session.remoteSettings.maxConcurrentStreams).toBe(100);
    session.destroy();
  });
});

describe('the routes', () => {
  let app: FastifyInstance;
  beforeAll(async () => {
    app = fastify();
    fcmRoutes(app, google, arrivals);
    await app.ready();
  });
  afterAll(() => app.close());

  const url = `/fcm/pushes?token=${encodeURIComponent('routes-phone:1')}`;
  const ask = async (method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, payload?: object) => {
    const answer = await app.inject({ method, url: path, ...(payload && { payload }) });
    return { status: answer.statusCode, json: answer.body === '' ? undefined : answer.json<unknown>() };
  };

  it('return, await and delete the arrivals of a phone', async () => {
    const waiting = ask('GET', `${url}&waitMs=30000`);
    const data = { pns_id: 'd-1' };
    await send({ token: 'routes-phone:1', data }, await accessToken());
    const { json } = await waiting;
    expect(json).toMatchObject({ total: 1, accepted: 1, items: [{ answer: 200, isDuplicate: false }] });
    expect(JSON.stringify(json)).not.toContain('ya29');
    await send({ token: 'routes-phone:1', data }, await accessToken());
    expect((await ask('GET', url)).json).toMatchObject({ total: 2, duplicates: 1, items: [{}, { isDuplicate: true }] });
    expect(google.targets()).toContainEqual(
      expect.objectContaining({ provider: 'fcm', target: 'routes-phone:1', total: 2, fault: {} }),
    );
    expect((await ask('DELETE', url)).status).toBe(204);
    expect((await ask('GET', url)).json).toMatchObject({ total: 0, items: [] });
  });

  it('set faults of a phone and of all of FCM', async () => {
    const token = await accessToken();
    const message = { token: 'faulty-phone' };
    await ask('PUT', '/fcm/faults', { error: 'UNAVAILABLE', headers: { 'retry-after': '3' }, times: 1 });
    expect(await send(message, token)).toMatchObject({ status: 503, headers: { 'retry-after': '3' } });
    await ask('PUT', '/fcm/faults?token=faulty-phone', { status: 502 });
    expect((await send(message, token)).status).toBe(502);
    expect((await send({ token: 'another-phone' }, token)).status).toBe(200);
    await ask('DELETE', '/fcm/faults?token=faulty-phone');
    await ask('PUT', '/fcm/devices?token=faulty-phone', { isRegistered: false });
    expect((await send(message, token)).status).toBe(404);
    await ask('PUT', '/fcm/devices?token=faulty-phone', { isRegistered: true, project: 'other' });
    expect((await send(message, token)).status).toBe(403);
    expect((await ask('PUT', '/fcm/faults', { error: 'NONE' })).status).toBe(500);
  });

  it('create and revoke service accounts, and end access tokens', async () => {
    const made = await ask('POST', '/fcm/service-accounts', { project: 'made-here', name: 'robot' });
    expect(made).toMatchObject({ status: 201, json: { type: 'service_account', project_id: 'made-here' } });
    const email = 'robot@made-here.iam.gserviceaccount.com';
    expect((await ask('GET', '/fcm')).json).toMatchObject({
      endpoint: google.url,
      serviceAccounts: expect.arrayContaining([email]) as string[],
    });
    expect((await ask('DELETE', `/fcm/service-accounts/${email}`)).status).toBe(204);
    expect((await ask('DELETE', `/fcm/service-accounts/${email}`)).status).toBe(404);
    const token = await accessToken();
    await ask('DELETE', '/fcm/access-tokens');
    expect((await send({ token: phone }, token)).status).toBe(401);
  });
});
