import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '@pns/local-servers/waiting';
import { ServerKeyStore, SubscriptionStore } from '@pns/persistence';
import { log, metrics } from '@pns/runtime';
import { newVapidKeys } from '@pns/transport-webpush';
import { apnsWorker } from '@pns/worker-apns';
import { fcmWorker } from '@pns/worker-fcm';
import { webhookWorker } from '@pns/worker-webhook';
import { webpushWorker } from '@pns/worker-webpush';
import { wnsWorker } from '@pns/worker-wns';
import { WorkerStage } from './testing/worker-stage';

log.level = 'silent';

const pem = { type: 'pkcs8', format: 'pem' } as const;
const apnsEntry = {
  authtype: 'jwt',
  privatekey: 'key.p8',
  keyid: 'KEY0000001',
  teamid: 'TEAM000001',
  topic: 'com.example.mail',
};
const wnsEntry = { sid: 'ms-app://s-1-15-2-1-2-3', secret: 'a-secret' };
const account = {
  type: 'service_account',
  project_id: 'my-project',
  client_email: 'sender@my-project.iam.gserviceaccount.com',
};

let stage: WorkerStage;

beforeAll(async () => {
  stage = await WorkerStage.open([
    'com.openexchange.pns.transport.apn.ios.enabled=true',
    'com.openexchange.pns.transport.gcm.enabled=true',
    'com.openexchange.pns.transport.wns.enabled=true',
    'com.openexchange.webhooks.enabledIds=crm,removed,constructor',
    'com.openexchange.pns.template.title={{#a}}{{#a}}{{.}}{{/a}}{{/a}}',
  ]);
  stage.configure('key.p8', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem).toString());
  const private_key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pem);
  stage.configure('account.json', { ...account, private_key });
  stage.configure('pns-apns-options.yml', { mail: apnsEntry, off: { ...apnsEntry, enabled: false } });
  stage.configure('pns-gcm-options.yml', {
    mobile: { serviceAccount: 'account.json' },
    off: { serviceAccount: 'account.json', enabled: false },
  });
  stage.configure('pns-wns-options.yml', { desktop: wnsEntry, off: { ...wnsEntry, enabled: false } });
});

afterEach(() => stage.stop());

afterAll(() => stage.close());

const starts = {
  apns: () => stage.start(apnsWorker),
  fcm: () => stage.start(fcmWorker),
  wns: () => stage.start(wnsWorker),
  webhook: () => stage.start(webhookWorker),
};

const tokens = {
  apns: 'a1'.repeat(32),
  fcm: 'a-phone:APA91b',
  wns: 'https://push.example.com/w/?token=1',
  webhook: 'http://127.0.0.1:1/hook',
};

const switchedOff = 'is switched off in the configuration (enabled: false).';

it.each([
  ['apns', 'off', 'misconfigured', 'The APNs client off is switched off (enabled: false).'],
  ['apns', 'constructor', 'misconfigured', 'There is no APNs client constructor in the configuration.'],
  ['fcm', 'mobile', 'rejected', expect.stringContaining('template')],
  ['fcm', 'off', 'misconfigured', `The FCM client off ${switchedOff}`],
  ['fcm', 'constructor', 'misconfigured', 'There is no FCM client constructor in the configuration.'],
  ['wns', 'desktop', 'rejected', expect.stringContaining('notify.windows.com')],
  ['wns', 'off', 'misconfigured', `The WNS client off ${switchedOff}`],
  ['wns', 'constructor', 'misconfigured', 'There is no WNS client constructor in the configuration.'],
  ['webhook', 'removed', 'misconfigured', 'There is no webhook removed in the configuration.'],
  ['webhook', 'constructor', 'misconfigured', 'There is no webhook constructor in the configuration.'],
] as const)(
  'ends a delivery by %s to the client %s as its option file says',
  async (transport, client, outcome, reason) => {
    stage.configure('webhooks.yml', {});
    await starts[transport]();
    const id = `d-${transport}-${client}`;
    const payload = client === 'mobile' ? { a: Array.from({ length: 1000 }, () => 1) } : {};
    await stage.send({ id, client, transport, token: tokens[transport], payload });
    expect(await stage.failed(id)).toMatchObject({ outcome, reason: reason as unknown });
  },
);

it('retires a subscription whose token is not a device token of Apple', async () => {
  await stage.start(apnsWorker);
  const who = { context: 1, user: 14, client: 'mail', transport: 'apns', token: 'not hexadecimal' } as const;
  const store = stage.part(SubscriptionStore);
  const { subscription } = await store.register({ ...who, topics: ['*'], isShared: false });
  await stage.send({ ...who, id: 'd-retired', subscriptionId: subscription.id });
  await eventually('the subscription is removed', async () => (await store.get(subscription.id)) === undefined);
});

it.each([
  ['off', 'misconfigured', expect.stringContaining('switched off')],
  ['constructor', 'rejected', expect.stringContaining('loopback')],
] as const)('ends a delivery to a browser of the client %s as %s', async (client, outcome, reason) => {
  stage.configure('pns-webpush-options.yml', { off: { enabled: false } });
  await stage.start(webpushWorker);
  const who = { context: 1, user: 14, client, transport: 'webpush', token: 'https://127.0.0.1:1/push/1' } as const;
  const applicationServerKey = (await stage.part(ServerKeyStore).pair('webpush', newVapidKeys)).publicKey;
  const keys = { p256dh: newVapidKeys().publicKey, auth: 'A'.repeat(22), applicationServerKey, isKeyAssumed: true };
  const store = stage.part(SubscriptionStore);
  const { subscription } = await store.register({ ...who, topics: ['*'], isShared: false, keys });
  const id = `d-webpush-${client}`;
  await stage.send({ ...who, id, subscriptionId: subscription.id });
  expect(await stage.failed(id)).toMatchObject({ outcome, reason: reason as unknown });
});

it('posts to the webhook that webhooks.yml names, and counts its circuits until the worker ends', async () => {
  const endpoint = createServer((_, response) => response.writeHead(204).end()).listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  const uri = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/hook`;
  stage.configure('webhooks.yml', { crm: { uri, httpsOnly: false, allowedNetworks: ['127.0.0.0/8'] } });
  const closed = once(endpoint, 'connection').then(([socket]) => once(socket as NodeJS.EventEmitter, 'close'));
  const arrived = once(endpoint, 'request');
  await stage.start(webhookWorker);
  await stage.send({ id: 'd-1', client: 'crm', transport: 'webhook', token: uri });
  const [request] = (await arrived) as [{ method: string; headers: Record<string, string> }];
  expect(request).toMatchObject({ method: 'POST', headers: { 'webhook-id': 'd-1' } });
  const circuits = async () => (await metrics.metrics()).match(/^pns_circuit_open\{.*$/m)?.[0];
  expect(await circuits()).toBe('pns_circuit_open{transport="webhook"} 0');
  await stage.stop();
  await closed;
  expect(await circuits()).toBeUndefined();
  endpoint.close();
});
