import { createECDH, randomBytes } from 'node:crypto';
import { eventually } from '@pns/local-servers/waiting';
import type { Providers } from '@pns/sandbox';
import { Redis } from 'ioredis';
import { AppProcess, type AppName } from './app-process';
import { openSocket } from './sockets';
import { apiKey, signatureSecret, System } from './system';
import { allAnswers } from './testing/all-answers';
import { Canaries } from './testing/canaries';
import { startOtlpReceiver } from './testing/otlp-receiver';
import { postgresText, redisText } from './testing/stored-text';

jest.setTimeout(600_000);

const apps: readonly AppName[] = [
  ...(['api', 'dispatcher', 'worker-websocket', 'worker-webhook', 'worker-apns'] as const),
  ...(['worker-fcm', 'worker-wns', 'worker-webpush'] as const),
];

/** Each secret and personal datum that goes into PNS, by the place where it goes in. */
const canaries = new Canaries();

const user = { context: 1, user: 14 };
const redisPassword = canaries.make('the password of Redis');
const encryptionKey = canaries.note('the encryption key', randomBytes(32).toString('hex'));
const sessionSecret = canaries.make('the secret of sessions');
canaries.note('the bootstrap API key', apiKey);
canaries.note('the signature secret of a webhook in a file', signatureSecret);

const signed = {
  signatureSecret: canaries.make('the signature secret of a webhook'),
  previousSignatureSecret: canaries.make('the previous signature secret of a webhook'),
  password: canaries.make('the password of a webhook'),
  login: 'operator',
};
const authorized = { webhookSecret: canaries.make('the authorization of a webhook') };
const meta = {
  login: canaries.make('the login in meta'),
  password: canaries.make('the password in meta'),
  device: 'a desktop',
};
const inFiles = {
  webhookSecret: canaries.make('the authorization of a webhook in a file'),
  producer: canaries.make('the signature secret of a producer of webhooks'),
  broken: canaries.make('a secret in a file that cannot be parsed'),
  refused: canaries.make('a secret in an entry that is refused'),
  content: canaries.make('the content of a secret file in place of its path'),
};
const personal = {
  text: canaries.make('the text of a notification', ['redis', 'postgres']),
  address: canaries.make('the address of a user', ['redis', 'postgres', 'answers']),
  sourceToken: canaries.make('the token of the client that caused a notification', ['redis', 'postgres']),
};
const deviceToken = (transport: string, token: string): string =>
  canaries.note(`the device token of ${transport}`, token, ['redis', 'postgres', 'answers']);

let collector: Awaited<ReturnType<typeof startOtlpReceiver>>;
let system: System;
let providers: Providers;
let redisUrl: string;
const refusals: string[] = [];
const endedProcesses: string[] = [];
/** Sends a request that must be refused, and keeps the answer. */
async function refused(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const isText = typeof body === 'string';
  const response = await fetch(`${system.app('api').url}${path}`, {
    method,
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  refusals.push(`${method} ${response.status} ${text}`);
  expect({ path, isRefused: response.status >= 400 || text.startsWith('{"error"') }).toEqual({ path, isRefused: true });
}

beforeAll(async () => {
  collector = await startOtlpReceiver();
  system = await System.start({
    isDurable: false,
    hasProviders: true,
    processes: Object.fromEntries(apps.map((app) => [app, 0])),
    properties: {
      'com.openexchange.webhooks.enabledIds': 'sandbox,hook,hook-2',
      'com.openexchange.pns.delayDuration': 0,
      'com.openexchange.pns.timerFrequency': 50,
      'com.openexchange.pns.retry.baseDelay': 3_600_000,
      'com.openexchange.pns.transport.apn.ios.enabled': 'true',
      'com.openexchange.pns.transport.gcm.enabled': 'true',
      'com.openexchange.pns.transport.wns.enabled': 'true',
    },
    env: {
      PNS_ENCRYPTION_KEY: encryptionKey,
      PNS_SESSION_SECRET: sessionSecret,
      PNS_LOG_LEVEL: 'trace',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${canaries.make('the header for the collector of traces')}`,
      OTEL_BSP_SCHEDULE_DELAY: '50',
    },
  });
  providers = system.sandbox.providers as Providers;
  canaries.note('the password of Postgres', `:${new URL(system.databaseUrl).password}@`);
  system.configure(
    'webhooks.yml',
    `sandbox:
  uri: ${system.sandbox.url}/webhooks
  signatureSecret: ${signatureSecret}
  webhookSecret: ${inFiles.webhookSecret}
  httpsOnly: false
  allowedNetworks: [127.0.0.0/8]
refused:
  uri: ${system.sandbox.url}/webhooks
  webhookSecret: ${inFiles.refused}
  signatureSecret: [${inFiles.refused}]
`,
  );
  system.configure('webhook-producers.yml', `appsuite:\n  signatureSecret: ${inFiles.producer}\n`);
  system.configure('pns-wns-options.yml', `desktop:\n  secret: "${inFiles.broken}\n  sid: ms-app://a\n`);
  system.configure('pns-fcm-options.yml', `phone:\n  serviceAccount: '{"private_key":"${inFiles.content}"}'\n`);
  const admin = new Redis(system.redis.url);
  await admin.config('SET', 'requirepass', redisPassword);
  admin.disconnect();
  redisUrl = `redis://:${redisPassword}@127.0.0.1:${system.redis.port}`;
  await Promise.all(apps.map((app) => system.add(app, { REDIS_URL: redisUrl })));
});

afterAll(async () => {
  await system?.stop();
  collector?.close();
});

const put = (client: string, transport: string, options: object): Promise<unknown> =>
  system.expect(200, 'PUT', `/v1/clients/${client}/transports/${transport}`, options);

const subscribe = (client: string, transport: string, fields: object): Promise<{ id: string }> =>
  system.expect(201, 'POST', '/v1/subscriptions', { ...user, client, transport, topics: ['*'], ...fields });

async function configureAll(): Promise<void> {
  const guarded = { httpsOnly: false, allowedNetworks: ['127.0.0.0/8', '::1/128'] };
  await put('hook', 'webhook', { uri: `${system.sandbox.url}/webhooks`, ...signed, ...guarded });
  await put('hook-2', 'webhook', { uri: `${system.sandbox.url}/webhooks`, ...authorized, ...guarded });
  for (const { client, transport, options } of system.sandbox.demoApps) {
    const { privatekey, serviceAccount, secret } = options as Readonly<Record<string, string | undefined>>;
    if (privatekey !== undefined) canaries.noteKey('the key of APNs', privatekey);
    if (serviceAccount !== undefined) {
      canaries.noteKey('the key of FCM', (JSON.parse(serviceAccount) as { private_key: string }).private_key);
    }
    if (secret !== undefined) canaries.note('the secret of WNS', secret);
    await put(client, transport, options);
  }
  const password = canaries.make('the password of a certificate of APNs');
  const keystore = providers.apns.accounts.createCertificate('com.example.files', password).toString('base64');
  canaries.note('the certificate of APNs', keystore.slice(400, 460));
  const common = { topic: 'com.example.files', endpoint: providers.apns.url, caFile: providers.authority.cert };
  await put('files', 'apns', { keystore, password, ...common });
  const pair = createECDH('prime256v1');
  const publicKey = pair.generateKeys('base64url');
  const privateKey = canaries.note('the private VAPID key', pair.getPrivateKey('base64url').padStart(43, 'A'));
  const keys = { publicKey, privateKey, subject: 'mailto:ops@example.com' };
  await put('browser', 'webpush', { ...keys, ...guarded, caFile: providers.authority.cert });
}

async function subscribeAll(): Promise<void> {
  const { url, demoApps } = system.sandbox;
  const hook = (name: string) =>
    `${url}/webhooks/${canaries.make(`the URI of ${name}`, ['redis', 'postgres', 'answers'])}`;
  await subscribe('hook', 'webhook', { token: hook('a signed webhook') });
  await subscribe('hook-2', 'webhook', { token: hook('a webhook with meta'), meta });
  await subscribe('sandbox', 'webhook', { token: hook('a webhook of a file') });
  for (const { client, transport, token } of demoApps) {
    await subscribe(client, transport, { token: deviceToken(transport, token) });
  }
  const iphone = deviceToken('a certificate of APNs', randomBytes(32).toString('hex'));
  await subscribe('files', 'apns', { token: iphone });
  const keyPath = '/v1/clients/browser/webpush-key';
  const { applicationServerKey } = await system.expect<{ applicationServerKey: string }>(200, 'GET', keyPath);
  const pushSubscription = providers.webpush.subscribe(applicationServerKey);
  canaries.note('the p256dh key of a browser', pushSubscription.keys.p256dh);
  canaries.note('the auth secret of a browser', pushSubscription.keys.auth);
  deviceToken('webpush', pushSubscription.endpoint);
  await subscribe('browser', 'webpush', { pushSubscription });
}

/** Creates keys and sessions, and fills the directory. Resolves with the token of a session. */
async function introduce(): Promise<string> {
  const ofKey = { name: 'producer', scopes: ['ingest'] };
  const { key } = await system.expect<{ key: string }>(201, 'POST', '/v1/api-keys', ofKey);
  canaries.note('an issued API key', key);
  const { token } = await system.expect<{ token: string }>(201, 'POST', '/v1/sessions', { ...user, client: 'phone' });
  canaries.note('the token of a session', token);
  await system.expect(200, 'PUT', '/v1/contexts/1/users/14', { primaryEmail: `${personal.address}@example.com` });
  return token;
}

async function refuseAll(session: string): Promise<void> {
  const bad = canaries.make('a secret in a refused request');
  const path = '/v1/clients/bad/transports';
  const pem = `-----BEGIN PRIVATE KEY-----\n${bad}\n-----END PRIVATE KEY-----\n`;
  await refused('PUT', `${path}/webhook`, { uri: 'https://a.example/', signatureSecret: `whsec_${bad}!` });
  await refused('PUT', `${path}/webhook`, {
    uri: `https://user:${bad}@a.example/`,
    password: [bad],
    login: `a:${bad}`,
  });
  await refused('PUT', `${path}/webhook`, `{"signatureSecret":"${bad}`);
  await refused('PUT', `${path}/webhook`, `{"signatureSecret":${bad}}`);
  await refused('PUT', `${path}/apns`, { authtype: 'jwt', privatekey: pem, keyid: bad, teamid: bad, topic: 'a.b' });
  await refused('PUT', `${path}/apns`, { keystore: Buffer.from(bad).toString('base64'), password: bad, topic: 'a.b' });
  await refused('PUT', `${path}/fcm`, { serviceAccount: bad });
  await refused('PUT', `${path}/fcm`, { serviceAccount: { type: 'service_account', private_key: pem }, key: bad });
  await refused('PUT', `${path}/wns`, { sid: bad, secret: `${bad}\n` });
  await refused('PUT', `${path}/webpush`, { publicKey: bad, privateKey: bad, subject: 'mailto:a@example.com' });
  const of = { ...user, topics: ['*'] };
  await refused('POST', '/v1/subscriptions', { ...of, client: 'demo-ios', transport: 'apns', token: bad });
  await refused('POST', '/v1/subscriptions', {
    ...of,
    client: 'demo-windows',
    transport: 'wns',
    token: `https://${bad}/`,
  });
  await refused('POST', '/v1/subscriptions', {
    ...of,
    client: 'hook',
    transport: 'webhook',
    token: `https://a:${bad}@b/`,
  });
  const keys = { p256dh: bad, auth: bad };
  const pushSubscription = { endpoint: `https://127.0.0.1/${bad}`, keys };
  await refused('POST', '/v1/subscriptions', { ...of, client: 'browser', transport: 'webpush', pushSubscription });
  await refused('POST', '/v1/notifications', { ...user, topic: 'ox:mail:new', payload: bad });
  await refused('POST', '/v1/notifications', { ...user, topic: 'not a topic', payload: { subject: bad } });
  await refused('POST', '/v1/notifications', `{"payload":"${bad}`, { 'content-type': 'application/x-ndjson' });
  await refused('POST', '/v1/webhooks/ox/appsuite', { subject: bad }, { 'x-ox-signature': `t=1,v1=${bad}` });
  await refused('GET', '/v1/contexts', undefined, { authorization: `Bearer ${bad}` });
  await refused('GET', '/v1/contexts', undefined, { authorization: `Basic ${btoa(`a:${bad}`)}` });
  await refused('GET', '/v1/contexts', undefined, { authorization: `Bearer ${session}` });
  await refused('GET', `/v1/nothing?session=${session}&session=${bad}`);
  await refused('PUT', `/ajax/pns?action=subscribe&session=${bad}`, { client: 'a' });
  await refused('PUT', `/ajax/pns?action=subscribe&session=${session}`, {
    client: 'demo-ios',
    transport: 'apn',
    token: bad,
  });
}

/** Starts processes that end at once, because their variables are not valid, and keeps their output. */
async function endAtStart(): Promise<void> {
  const bad = canaries.make('a secret in a variable that is refused');
  const env = {
    PNS_CONFIG_DIR: '/',
    DATABASE_URL: `mysql://a:${bad}@b/c`,
    REDIS_URL: `http://:${bad}@b`,
    PNS_ENCRYPTION_KEY: bad,
    PNS_BOOTSTRAP_API_KEY: `${bad} `,
    PNS_SESSION_JWKS_URL: `https://a:${bad}@b/`,
  };
  const unreachable = { ...env, DATABASE_URL: `postgres://a:${bad}@127.0.0.1:1/b`, REDIS_URL: `redis://:${bad}@a b` };
  for (const variables of [env, unreachable]) {
    await AppProcess.start('api', variables).catch((error: Error) => endedProcesses.push(error.message));
  }
  expect(endedProcesses).toHaveLength(2);
}

async function openSockets(): Promise<void> {
  const { url } = system.app('worker-websocket');
  const { token } = await system.expect<{ token: string }>(201, 'POST', '/v1/sessions', user);
  canaries.note('the token of the session of a socket', token);
  const { socket } = await openSocket(url, { generation: 'v4', session: token });
  socket.close();
  const bad = canaries.make('a session that is refused');
  const query = `EIO=4&transport=polling&session=${bad}&token=${bad}`;
  const answer = await fetch(`${url}/socket.io/appsuite/?${query}`);
  refusals.push(await answer.text());
}

async function post(): Promise<void> {
  const payload = { folder: 'default0/INBOX', id: '1', subject: personal.text, teaser: personal.text };
  const body = { ...user, topic: 'ox:mail:new', payload, sourceToken: personal.sourceToken };
  await system.expect(202, 'POST', '/v1/notifications', body);
}

/** Makes the providers and the webhooks refuse requests, in each of the ways that PNS treats differently. */
async function letProvidersRefuse(): Promise<void> {
  providers.apns.faults.set({ status: 403, reason: 'InvalidProviderToken' });
  providers.fcm.faults.set({ error: 'UNAVAILABLE' });
  providers.wns.faults.set({ status: 401 });
  providers.webpush.faults.set({ status: 403 });
  for (const [place, value] of canaries.valuesOf('the URI of')) {
    const fault = { status: place.includes('meta') ? 401 : 500 };
    const answer = await fetch(`${system.sandbox.url}/webhooks/${value}/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fault),
    });
    expect(answer.status).toBeLessThan(300);
  }
}

/** The attempts in the logs. */
const attempts = () => apps.flatMap((app) => system.app(app).logged('delivery.attempted'));

/** The places whose values were found where they must not be. */
async function leaks(): Promise<Readonly<Record<string, readonly string[]>>> {
  const metrics = await Promise.all(apps.map(async (app) => (await fetch(`${system.app(app).url}/metrics`)).text()));
  return {
    logs: canaries.in(apps.map((app) => system.app(app).output).join('\n')),
    'processes that ended at start': canaries.in(endedProcesses.join('\n')),
    metrics: canaries.in(metrics.join('\n')),
    traces: canaries.in(collector.text()),
    refusals: canaries.in(refusals.join('\n')),
    answers: canaries.inStore('answers', (await allAnswers(system)).join('\n')),
    postgres: canaries.inStore('postgres', await postgresText(system.databaseUrl)),
    redis: canaries.inStore('redis', await redisText(redisUrl)),
  };
}

const noLeak = {
  ...{ logs: [], 'processes that ended at start': [], metrics: [], traces: [], refusals: [] },
  ...{ answers: [], postgres: [], redis: [] },
};

it('no secret and no personal datum is found where it does not belong, also when requests and deliveries fail', async () => {
  await configureAll();
  const session = await introduce();
  await subscribeAll();
  await letProvidersRefuse();
  await post();
  await eventually('each delivery was tried', () => attempts().length >= 8);
  await refuseAll(session);
  await endAtStart();
  await openSockets();
  expect(canaries.size).toBeGreaterThan(35);
  expect(canaries.tooShort).toEqual([]);
  expect(await leaks()).toEqual(noLeak);
});

it('the same holds after a delivery was accepted', async () => {
  for (const provider of ['apns', 'fcm', 'wns', 'webpush'] as const) providers[provider].faults.set({});
  const open = { ...user, client: 'sandbox', transport: 'webhook', token: `${system.sandbox.url}/webhooks/open` };
  await system.expect(201, 'POST', '/v1/subscriptions', { ...open, topics: ['*'] });
  await post();
  await system.arrivalsOf(1, 'open');
  await eventually('the delivery is logged', () => attempts().some(({ outcome }) => outcome === 'delivered'));
  expect(await leaks()).toEqual(noLeak);
});
