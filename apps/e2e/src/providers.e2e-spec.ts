import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPrometheus } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import type { DemoApp, Providers } from '@pns/sandbox';
import type { AppName } from './app-process';
import { root } from './doc-page';
import { apiKey, System } from './system';

jest.setTimeout(180_000);

const folder = mkdtempSync(join(tmpdir(), 'pns-providers-'));
const allApps = [
  ...['api', 'dispatcher', 'worker-websocket', 'worker-webhook'],
  ...['worker-apns', 'worker-fcm', 'worker-wns', 'worker-webpush'],
] as readonly AppName[];

let system: System;
let providers: Providers;

beforeAll(async () => {
  system = await System.start({
    isDurable: false,
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
});

afterAll(async () => {
  await system?.stop();
  rmSync(folder, { recursive: true });
});

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
  await eventually('each app has its push', () =>
    [providers.apns, providers.fcm, providers.wns].every((each) => each.targets()[0]?.accepted === 1),
  );
});

it('templates of one context that take too long end its own pushes as rejected, and delay no other context', async () => {
  const title = '/v1/config/contexts/711/properties/com.openexchange.pns.template.title';
  const bomb = `${'{{#a}}'.repeat(40)}x${'{{/a}}'.repeat(40)}`;
  await system.expect(422, 'PUT', title, { value: bomb });
  await system.expect(200, 'PUT', title, { value: '{{#a}}{{#a}}{{constructor.keys}}x{{/a}}{{/a}}' });
  const accepted = () => providers.apns.targets().reduce((sum, target) => sum + target.accepted, 0);
  const before = accepted();
  const app = system.sandbox.demoApps.find(({ transport }) => transport === 'apns') as DemoApp;
  const token = 'b7'.repeat(32);
  const { client, transport } = app;
  await system.expect(201, 'POST', '/v1/subscriptions', {
    context: 711,
    user: 1,
    client,
    transport,
    token,
    topics: ['*'],
  });
  const payload = { folder: 'default0/INBOX', a: Array.from({ length: 1000 }, () => 1) };
  const notifications = Array.from({ length: 100 }, (_, at) => ({
    ...{ context: 711, user: 1, topic: 'ox:mail:new' },
    payload: { ...payload, id: String(at) },
  }));
  await system.expect(202, 'POST', '/v1/notifications', { notifications });
  await post(1, 'beside-the-templates');
  await eventually('the push of the other context has arrived', () => accepted() === before + 1);
  const rejected = async () => (await system.expect<Failed>(200, 'GET', '/v1/deliveries?context=711&limit=500')).items;
  await eventually('100 deliveries are rejected', async () => (await rejected()).length === 100);
  for (const delivery of await rejected()) {
    expect(delivery).toMatchObject({
      outcome: 'rejected',
      reason: 'The title template takes more than 5000 steps with this payload.',
    });
  }
  expect(system.app('worker-apns').logged('delivery.fault')).toEqual([]);
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
  /** How each kind of credentials is revoked, and how its app gets new ones. */
  const kinds = {
    key: {
      app: 'chat',
      reason: 'InvalidProviderToken',
      revoke: () => providers.apns.accounts.revokeKey('CHATKEY001'),
      renewed: () => withKey('chat', 'CHATKEY002'),
    },
    certificate: {
      app: 'files',
      reason: 'BadCertificate',
      revoke: () => providers.apns.accounts.revokeCertificates(topicOf('files')),
      renewed: () => withCertificate('files'),
    },
  } as const;
  const clients = ['mail', 'chat', 'files'];
  const arrived = () => clients.map((client) => device(client).accepted);
  const pausedNow = async () => [...(await system.app('worker-apns').metric('pns_transport_paused'))];

  beforeAll(async () => {
    await setOptions('mail', 'apns', withKey('mail', 'MAILKEY001'));
    await setOptions('chat', 'apns', withKey('chat', 'CHATKEY001'));
    await setOptions('files', 'apns', withCertificate('files'));
    for (const client of clients) await subscribe(2, { client, transport: 'apns', token: tokenOf(client) });
  });

  it.each(Object.entries(kinds))(
    'get pushes with their own credentials; if the %s of one is revoked, only its pushes are held until it is replaced',
    async (kind, { app, reason, revoke, renewed }) => {
      const before = arrived()[0] as number;
      await post(2, `${kind}-first`);
      await eventually('each app has its push', () => arrived().every((count) => count === before + 1));

      revoke();
      await post(2, `${kind}-second`);
      await post(2, `${kind}-third`);
      const others = clients.filter((client) => client !== app);
      await eventually('the other apps have their pushes', () =>
        others.every((client) => device(client).accepted === before + 3),
      );
      await eventually('two deliveries are held', async () => (await failed(app)).items.length === 2);
      expect(device(app).accepted).toBe(before + 1);
      for (const delivery of (await failed(app)).items) {
        expect(delivery).toMatchObject({ outcome: 'misconfigured', isHeld: true });
        expect(delivery.reason).toContain(reason);
      }
      const list = () => system.expect<{ paused: object[] }>(200, 'GET', '/v1/clients');
      const alarm = {
        client: app,
        transport: 'apns',
        deliveries: 2,
        reason: expect.stringContaining(reason) as string,
      };
      expect((await list()).paused).toMatchObject([alarm]);
      expect(system.app('worker-apns').logged('transport.paused').at(-1)).toMatchObject({ client: app });
      expect(await pausedNow()).toEqual([[`{transport="apns",client="${app}"}`, 1]]);
      for (const client of others) expect((await failed(client)).items).toEqual([]);

      await setOptions(app, 'apns', renewed());
      await eventually('the held pushes have arrived', () => device(app).accepted === before + 3);
      await eventually('no delivery is held', async () => (await failed(app)).items.length === 0);
      expect((await list()).paused).toEqual([]);
      expect(await pausedNow()).toEqual([]);
      expect(clients.map((client) => device(client).duplicates)).toEqual([0, 0, 0]);
      const { items } = await system.expect<{ items: object[] }>(200, 'GET', '/v1/subscriptions?user=2');
      expect(items).toHaveLength(3);
    },
  );
});

it('of 500 phones of a user 20 are gone: 480 are pushed to, and 20 subscriptions removed, by one process', async () => {
  const account = providers.fcm.accounts.create('pns-bulk');
  const endpoints = { endpoint: providers.fcm.url, tokenEndpoint: providers.fcm.tokenUrl };
  await setOptions('bulk', 'fcm', { serviceAccount: account, ...endpoints, caFile: providers.authority.cert });
  const limit = '/v1/config/contexts/1/users/3/properties/com.openexchange.pns.subscriptions.maxPerUser';
  await system.expect(200, 'PUT', limit, { value: 500 });
  const tokens = Array.from({ length: 500 }, (_, index) => `bulk-${index}:APA91b`);
  for (const token of tokens) await subscribe(3, { client: 'bulk', transport: 'fcm', token });
  const gone = tokens.filter((_, index) => index % 25 === 0);
  for (const token of gone) providers.fcm.device(token).isRegistered = false;

  await post(3, 'to-500');
  const arrived = () => tokens.filter((token) => providers.fcm.device(token).accepted === 1);
  await eventually('480 pushes have arrived', () => arrived().length === 480);
  const list = () => system.expect<{ items: { token: string }[] }>(200, 'GET', '/v1/subscriptions?user=3&limit=500');
  await eventually('480 subscriptions are left', async () => (await list()).items.length === 480);
  expect((await list()).items.map(({ token }) => token).sort()).toEqual(arrived().sort());
  await eventually('20 deliveries are stored as failed', async () => (await failed('bulk')).items.length === 20);
  expect((await failed('bulk')).items.map(({ outcome }) => outcome)).toEqual(Array(20).fill('gone'));
  expect(gone).toHaveLength(20);
  expect(providers.fcm.mostStreams).toBeLessThanOrEqual(100);
  expect(system.app('worker-fcm').child.exitCode).toBeNull();
});

it('the sandbox as a separate process sends the demonstration to a device of each provider, at the name that it was given', async () => {
  await system.add('worker-webpush');
  const sandbox = await system.add('sandbox', {
    PNS_SANDBOX_PORT: '0',
    PNS_SANDBOX_HOST: '127.0.0.1',
    PNS_API_URL: system.app('api').url,
    PNS_API_KEY: apiKey,
  });
  const headers = { 'content-type': 'application/json' };
  const sent = await fetch(`${sandbox.url}/demo/notification`, { method: 'POST', headers, body: '{}' });
  expect([sent.status, await sent.text()]).toEqual([200, expect.stringContaining('"accepted":1')]);
  const lists = ['apns/devices', 'fcm/devices', 'wns/channels', 'webpush/subscriptions'];
  await eventually('each device has its push', async () => {
    const devices = await Promise.all(
      lists.map(async (path) => (await (await fetch(`${sandbox.url}/${path}`)).json()) as { accepted: number }[]),
    );
    return devices.every((each) => each[0]?.accepted === 1);
  });
});

it('Prometheus scrapes every app, evaluates the alert rules and answers every query of the dashboard', async () => {
  await system.add('worker-websocket', { PNS_HEALTH_PORT: '' });
  await system.add('worker-webhook');
  const jobs = [...allApps, 'sandbox'] as const;
  const prometheus = await startPrometheus({
    folder,
    targets: Object.fromEntries(jobs.map((name) => [name, system.all(name).map(({ port }) => `127.0.0.1:${port}`)])),
    ruleFiles: [join(root, 'deploy', 'prometheus', 'alerts.yml')],
  });
  const answer = async <Data>(path: string): Promise<Data> => {
    const response = await fetch(`http://127.0.0.1:${prometheus.port}/api/v1/${path}`);
    const { status, error, data } = (await response.json()) as { status: string; error?: string; data: Data };
    expect([path, status, error]).toEqual([path, 'success', undefined]);
    return data;
  };
  type Result = {
    readonly result: { readonly metric: Readonly<Record<string, string>>; readonly value: [number, string] }[];
  };
  const query = (expr: string) => answer<Result>(`query?query=${encodeURIComponent(expr)}`);

  try {
    await eventually('each app was scraped', async () => (await query('up == 1')).result.length === jobs.length);
    const { result } = await query('pns_deliveries_total{outcome="delivered"} > 0');
    expect(result.map(({ metric }) => metric['transport']).sort()).toEqual(['apns', 'fcm', 'webpush', 'wns']);
    await eventually('each rule was evaluated', async () => {
      const { groups } = await answer<{ groups: { rules: { health: string }[] }[] }>('rules');
      return groups.flatMap(({ rules }) => rules).every(({ health }) => health === 'ok');
    });
    const { panels } = JSON.parse(readFileSync(join(root, 'deploy', 'grafana', 'pns.json'), 'utf8')) as {
      panels: { targets?: { expr: string }[] }[];
    };
    const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(expressions.length).toBeGreaterThan(30);
    for (const expr of expressions)
      await query(expr.replaceAll('$__rate_interval', '1m').replaceAll('$transport', '.*'));
  } finally {
    await prometheus.stop();
  }
});
