import { signatureSecret, type AppName, type System } from '@pns/e2e';
import { type Providers, type Sandbox, SimulatedUserAgent } from '@pns/sandbox';
import { newVapidKeys } from '@pns/transport-webpush';
import type { TransportName } from '@pns/transport-contract';

/** The client whose far side is slow, and another one of the same transport. */
export const [slowClient, otherClient] = ['slow', 'other'] as const;
export type Client = typeof slowClient | typeof otherClient;

/** A target of deliveries. */
interface Target {
  readonly token: string;
  /** The client in the option file, if a client of the benchmark stands for several. Default: the client of the benchmark. */
  readonly configured?: string;
  /** The name of the target in the sandbox. */
  readonly name: string;
  /** A subscription that the worker must read; if undefined, each delivery gets a separate one without content. */
  readonly subscriptionId?: string | undefined;
}

/** A transport's far side in the sandbox, for both clients. */
export interface FarSide {
  readonly transport: TransportName;
  readonly worker: AppName;
  /** How many requests may be in flight at once on the connections of one client. */
  readonly streams: number;
  readonly properties: Readonly<Record<string, string>>;
  /** Writes the option file of both clients, and creates `count` targets for each. */
  readonly configure: (system: System, sandbox: Sandbox, count: number) => Promise<void> | void;
  readonly target: (sandbox: Sandbox, client: Client, index: number) => Target;
  /** Makes the far side of the slow client answer after `delayMs`. */
  readonly slowDown: (sandbox: Sandbox, delayMs: number, count: number) => Promise<void> | void;
}

const clients = [slowClient, otherClient] as const;
const topic = 'com.example.mail';

function providersOf({ providers }: Sandbox): Providers {
  if (providers === undefined) throw new Error('The sandbox plays no providers.');
  return providers;
}

/** Writes an option file with an entry for each client. JSON is valid YAML. */
function writeOptions(system: System, file: string, optionsOf: (client: Client) => object): void {
  system.configure(file, JSON.stringify(Object.fromEntries(clients.map((client) => [client, optionsOf(client)]))));
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const nameOf = (client: Client, index: number): string => `${client}-${index}`;
const deviceToken = (client: Client, index: number): string =>
  Buffer.from(nameOf(client, index).padEnd(32, '.')).toString('hex');

const apns: FarSide = {
  transport: 'apns',
  worker: 'worker-apns',
  streams: 2000,
  properties: { 'com.openexchange.pns.transport.apn.ios.enabled': 'true' },
  configure: (system, sandbox) => {
    const { apns: apple, authority } = providersOf(sandbox);
    system.configure('authority.pem', authority.cert);
    writeOptions(system, 'pns-apns-options.yml', (client) => {
      const { keyid, teamid, privatekey } = apple.accounts.createKey(`${client}KEY00000`.slice(0, 10).toUpperCase(), {
        teamid: 'BENCHTEAM1',
      });
      system.configure(`${client}.p8`, privatekey);
      const key = { authtype: 'jwt', privatekey: `${client}.p8`, keyid, teamid };
      return { ...key, topic, endpoint: apple.url, caFile: 'authority.pem' };
    });
  },
  target: (_, client, index) => ({ token: deviceToken(client, index), name: deviceToken(client, index) }),
  slowDown: (sandbox, delayMs, count) => {
    for (const index of range(count))
      providersOf(sandbox).apns.device(deviceToken(slowClient, index)).faults.set({ delayMs });
  },
};

const fcm: FarSide = {
  transport: 'fcm',
  worker: 'worker-fcm',
  streams: 400,
  properties: { 'com.openexchange.pns.transport.gcm.enabled': 'true' },
  configure: (system, sandbox) => {
    const { fcm: google, authority } = providersOf(sandbox);
    system.configure('authority.pem', authority.cert);
    writeOptions(system, 'pns-gcm-options.yml', (client) => {
      system.configure(`${client}.json`, JSON.stringify(google.accounts.create('pns-bench', client)));
      const endpoints = { endpoint: google.url, tokenEndpoint: google.tokenUrl };
      return { serviceAccount: `${client}.json`, ...endpoints, caFile: 'authority.pem' };
    });
  },
  target: (_, client, index) => ({ token: nameOf(client, index), name: nameOf(client, index) }),
  slowDown: (sandbox, delayMs, count) => {
    for (const index of range(count))
      providersOf(sandbox).fcm.device(nameOf(slowClient, index)).faults.set({ delayMs });
  },
};

const wns: FarSide = {
  transport: 'wns',
  worker: 'worker-wns',
  streams: 100,
  properties: { 'com.openexchange.pns.transport.wns.enabled': 'true' },
  configure: (system, sandbox, count) => {
    const { wns: microsoft, authority } = providersOf(sandbox);
    system.configure('authority.pem', authority.cert);
    writeOptions(system, 'pns-wns-options.yml', (client) => {
      const { sid, secret } = microsoft.accounts.register();
      for (const index of range(count)) microsoft.openChannel(sid, nameOf(client, index));
      const endpoints = { tokenEndpoint: microsoft.tokenUrl(), allowedHosts: [microsoft.host] };
      return { sid, secret, ...endpoints, caFile: 'authority.pem' };
    });
  },
  target: (sandbox, client, index) => {
    const { wns: microsoft } = providersOf(sandbox);
    const name = nameOf(client, index);
    const channel = microsoft.channel(name);
    if (channel === undefined) throw new Error(`There is no channel ${name}.`);
    return { token: microsoft.uriOf(channel), name };
  },
  slowDown: (sandbox, delayMs, count) => {
    for (const index of range(count))
      providersOf(sandbox).wns.channel(nameOf(slowClient, index))?.faults.set({ delayMs });
  },
};

/** Each client has a separate address and thus endpoint: Linux answers on all of 127.0.0.0/8. */
const hosts: Readonly<Record<Client, string>> = { slow: '127.0.0.2', other: '127.0.0.3' };
const hookOf = ({ port }: Sandbox, client: Client): string => `http://${hosts[client]}:${port}/webhooks`;

const webhook: FarSide = {
  transport: 'webhook',
  worker: 'worker-webhook',
  streams: 100,
  properties: { 'com.openexchange.webhooks.enabledIds': clients.join() },
  configure: (system, sandbox) => {
    const rest = {
      signatureSecret,
      httpsOnly: false,
      allowedNetworks: ['127.0.0.0/8'],
      maxConnections: webhook.streams,
    };
    writeOptions(system, 'webhooks.yml', (client) => ({ uri: hookOf(sandbox, client), ...rest }));
  },
  target: (sandbox, client, index) => ({
    token: `${hookOf(sandbox, client)}/${nameOf(client, index)}`,
    name: nameOf(client, index),
  }),
  slowDown: (sandbox, delayMs, count) => setWebhookFaults(sandbox, count, { delayMs }),
};

async function setWebhookFaults(sandbox: Sandbox, count: number, fault: object): Promise<void> {
  for (const index of range(count)) {
    await fetch(`${sandbox.url}/webhooks/${nameOf(slowClient, index)}/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fault),
    });
  }
}

/** The endpoints of the other client in `hangingWebhook`, each with its own host. */
const others = range(49).map((index) => ({ name: `${otherClient}-${index}`, host: `127.0.0.${3 + index}` }));
const otherOf = (index: number) => others[index % others.length] as (typeof others)[0];

/** Fifty webhooks, of which one never answers. */
export const hangingWebhook: FarSide = {
  ...webhook,
  properties: { 'com.openexchange.webhooks.enabledIds': [slowClient, ...others.map(({ name }) => name)].join() },
  configure: (system, { port }) => {
    const rest = { signatureSecret, httpsOnly: false, allowedNetworks: ['127.0.0.0/8'] };
    const all = [{ name: slowClient, host: hosts.slow }, ...others];
    const options = all.map(({ name, host }) => [name, { uri: `http://${host}:${port}/webhooks`, ...rest }]);
    system.configure('webhooks.yml', JSON.stringify(Object.fromEntries(options)));
  },
  target: (sandbox, client, index) => {
    if (client === slowClient) return webhook.target(sandbox, client, index);
    const { name: configured, host } = otherOf(index);
    const name = nameOf(client, index);
    return { configured, token: `http://${host}:${sandbox.port}/webhooks/${name}`, name };
  },
  slowDown: (sandbox, _, count) => setWebhookFaults(sandbox, count, { hang: true }),
};

/** The id of each client's subscription, which has the keys of a browser. */
const browsers = new Map<Client, string>();

const webpush: FarSide = {
  transport: 'webpush',
  worker: 'worker-webpush',
  streams: 100,
  properties: {},
  configure: async (system, sandbox, count) => {
    const { webpush: service, authority } = providersOf(sandbox);
    system.configure('authority.pem', authority.cert);
    const keys = { subject: 'mailto:ops@example.com', ...newVapidKeys() };
    const options = { ...keys, caFile: 'authority.pem', allowedNetworks: ['127.0.0.0/8'] };
    writeOptions(system, 'pns-webpush-options.yml', () => options);
    const browser = { receive: () => ({ checks: [] }) };
    const api = await system.add('api');
    for (const [at, client] of clients.entries()) {
      for (const index of range(count)) service.register(browser, keys.publicKey, nameOf(client, index));
      const pushSubscription = {
        ...{ endpoint: `https://push.example.com/${client}`, keys: new SimulatedUserAgent().publicKeys },
        applicationServerKey: keys.publicKey,
      };
      const registration = { context: 1, user: 1 + at, client, transport: 'webpush', topics: ['*'], pushSubscription };
      browsers.set(client, (await system.expect<{ id: string }>(201, 'POST', '/v1/subscriptions', registration)).id);
    }
    await api.stop();
  },
  target: (sandbox, client, index) => {
    const name = nameOf(client, index);
    return { token: `${providersOf(sandbox).webpush.url}/push/${name}`, name, subscriptionId: browsers.get(client) };
  },
  slowDown: (sandbox, delayMs, count) => {
    for (const index of range(count))
      providersOf(sandbox).webpush.subscription(nameOf(slowClient, index))?.faults.set({ delayMs });
  },
};

export const farSides: readonly FarSide[] = [apns, fcm, wns, webhook, webpush];
