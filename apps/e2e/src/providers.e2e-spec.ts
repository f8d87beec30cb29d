import type { DemoApp, Providers } from '@pns/sandbox';
import { System } from './system';

jest.setTimeout(180_000);

let system: System;
let providers: Providers;

beforeAll(async () => {
  system = await System.start({
    hasProviders: true,
    processes: { 'worker-websocket': 0, 'worker-webhook': 0, 'worker-apns': 1, 'worker-fcm': 1, 'worker-wns': 1 },
    properties: {
      'com.openexchange.pns.delayDuration': 0,
      'com.openexchange.pns.transport.apn.ios.enabled': 'true',
      'com.openexchange.pns.transport.gcm.enabled': 'true',
      'com.openexchange.pns.transport.wns.enabled': 'true',
    },
  });
  providers = system.sandbox.providers as Providers;
}, 120_000);

afterAll(() => system?.stop());

type Registration = Pick<DemoApp, 'client' | 'transport' | 'token'>;

async function setOptions(client: string, transport: DemoApp['transport'], options: object): Promise<void> {
  await system.expect(200, 'PUT', `/v1/clients/${client}/transports/${transport}`, options);
}

async function subscribe(user: number, { client, transport, token }: Registration): Promise<void> {
  await system.expect(201, 'POST', '/v1/subscriptions', { context: 1, user, client, transport, token, topics: ['*'] });
}

async function post(user: number, id: string): Promise<void> {
  const payload = { folder: 'default0/INBOX', id, email: 'jane@example.com', subject: id };
  await system.expect(202, 'POST', '/v1/notifications', { context: 1, user, topic: 'ox:mail:new', payload });
}

/** Resolves once `look` answers true; nothing tells the test of it by itself. */
async function eventually(look: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await look())) await new Promise((resolve) => setTimeout(resolve, 50));
}

interface Failed {
  readonly items: readonly { readonly outcome: string; readonly isHeld: boolean; readonly reason: string }[];
}

const failed = (client: string) => system.expect<Failed>(200, 'GET', `/v1/deliveries?client=${client}`);

it('the apps of the demonstration get their pushes from three workers', async () => {
  for (const app of system.sandbox.demoApps) {
    await setOptions(app.client, app.transport, app.options);
    await subscribe(1, app);
  }
  await post(1, 'to-all-three');
  await eventually(() =>
    [providers.apns, providers.fcm, providers.wns].every((each) => each.targets()[0]?.accepted === 1),
  );
});

describe('three apps of one worker, two with keys and one with a certificate', () => {
  const topicOf = (client: string) => `com.example.${client}`;
  const tokenOf = (client: string) => Buffer.from(client.padEnd(32, '.')).toString('hex');
  const device = (client: string) => providers.apns.device(tokenOf(client));
  const common = (client: string) => ({
    topic: topicOf(client),
    endpoint: providers.apns.url,
    caFile: providers.authority.cert,
  });
  const withKey = (client: string, keyid: string) => {
    const topics = [topicOf(client)];
    const key = providers.apns.accounts.createKey(keyid, { teamid: 'TEAM000001', topics });
    return { authtype: 'jwt', ...key, ...common(client) };
  };
  const withCertificate = (client: string) => {
    const keystore = providers.apns.accounts.createCertificate(topicOf(client), 'secret').toString('base64');
    return { keystore, password: 'secret', ...common(client) };
  };
  const clients = ['mail', 'chat', 'files'];

  it('are pushed to with their own credentials; where these are revoked, only theirs wait until they are mended', async () => {
    await setOptions('mail', 'apns', withKey('mail', 'MAILKEY001'));
    await setOptions('chat', 'apns', withKey('chat', 'CHATKEY001'));
    await setOptions('files', 'apns', withCertificate('files'));
    for (const client of clients) await subscribe(2, { client, transport: 'apns', token: tokenOf(client) });
    await post(2, 'first');
    await eventually(() => clients.every((client) => device(client).accepted === 1));

    providers.apns.accounts.revokeKey('CHATKEY001');
    await post(2, 'second');
    await post(2, 'third');
    await eventually(() => ['mail', 'files'].every((client) => device(client).accepted === 3));
    await eventually(async () => (await failed('chat')).items.length === 2);
    for (const delivery of (await failed('chat')).items) {
      expect(delivery).toMatchObject({ outcome: 'misconfigured', isHeld: true });
      expect(delivery.reason).toContain('InvalidProviderToken');
    }
    const { paused } = await system.expect<{ paused: object[] }>(200, 'GET', '/v1/clients');
    expect(paused).toMatchObject([{ client: 'chat', transport: 'apns', deliveries: 2 }]);
    expect(system.app('worker-apns').logged('transport.paused')).toMatchObject([{ client: 'chat' }]);
    expect((await failed('mail')).items).toEqual([]);

    await setOptions('chat', 'apns', withKey('chat', 'CHATKEY002'));
    await eventually(() => device('chat').accepted === 3);
    await eventually(async () => (await failed('chat')).items.length === 0);
    expect(clients.map((client) => device(client).duplicates)).toEqual([0, 0, 0]);
    const { items } = await system.expect<{ items: object[] }>(200, 'GET', '/v1/subscriptions?user=2');
    expect(items).toHaveLength(3);
  });
});

it('of 500 phones of a user 20 are gone: 480 are pushed to, and 20 subscriptions removed, by one process', async () => {
  const account = providers.fcm.accounts.create('pns-bulk');
  const endpoints = { endpoint: providers.fcm.url, tokenEndpoint: providers.fcm.tokenUrl };
  await setOptions('bulk', 'fcm', { serviceAccount: account, ...endpoints, caFile: providers.authority.cert });
  const tokens = Array.from({ length: 500 }, (_, index) => `bulk-${index}:APA91b`);
  for (const token of tokens) await subscribe(3, { client: 'bulk', transport: 'fcm', token });
  const gone = tokens.filter((_, index) => index % 25 === 0);
  for (const token of gone) providers.fcm.device(token).isRegistered = false;

  await post(3, 'to-500');
  const arrived = () => tokens.filter((token) => providers.fcm.device(token).accepted === 1);
  await eventually(() => arrived().length === 480);
  const list = () => system.expect<{ items: { token: string }[] }>(200, 'GET', '/v1/subscriptions?user=3&limit=500');
  await eventually(async () => (await list()).items.length === 480);
  expect((await list()).items.map(({ token }) => token).sort()).toEqual(arrived().sort());
  expect((await failed('bulk')).items.every(({ outcome }) => outcome === 'gone')).toBe(true);
  expect(providers.fcm.mostStreams).toBeLessThanOrEqual(100);
  expect(system.app('worker-fcm').child.exitCode).toBeNull();
});
