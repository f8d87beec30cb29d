import type { DemoApp } from '@pns/sandbox';
import type { System } from '@pns/e2e';
import { providersOf, webhookName } from './far-sides';
import type { ThreadLink } from './links';

/** Each user has a webhook, an app with each provider, and a browser. */
export const transports = ['webhook', 'apns', 'fcm', 'wns', 'webpush'] as const;

const browserClient = 'chaos-browser';

/** The options for pushes over all transports. The back-off is short, so that a run ends soon after its last fault. */
export const properties = {
  'com.openexchange.pns.transport.apn.ios.enabled': 'true',
  'com.openexchange.pns.transport.gcm.enabled': 'true',
  'com.openexchange.pns.transport.wns.enabled': 'true',
  'com.openexchange.pns.retry.baseDelay': 1000,
};

export type SubscribedTransport = (typeof transports)[number];

/** Subscribes users 1 to `users` to all topics; with a browser only if `over` has Web Push. `links` lead to the far sides. */
export async function subscribeAll(
  system: System,
  users: number,
  over: readonly SubscribedTransport[],
  links: ReadonlyMap<string, ThreadLink>,
): Promise<void> {
  const { demoApps, url } = system.sandbox;
  const { wns } = providersOf(system);
  for (const { client, transport, options } of demoApps) {
    const link = links.get(transport);
    const body = link === undefined ? options : { ...options, endpoint: link.url };
    await system.expect(200, 'PUT', `/v1/clients/${client}/transports/${transport}`, body);
  }
  const browserOf = over.includes('webpush') ? await browsers(system) : undefined;

  const windows = demoApps.find(({ transport }) => transport === 'wns') as DemoApp;
  const { sid } = windows.options as { readonly sid: string };
  const tokenOf = (transport: DemoApp['transport'], user: number): string => {
    if (transport === 'apns') return user.toString(16).padStart(64, '0');
    if (transport === 'fcm') return `phone-${user}:APA91b`;
    return wns.uriOf(wns.openChannel(sid, `desktop-${user}`));
  };
  const register = (user: number, fields: object) =>
    system.expect(201, 'POST', '/v1/subscriptions', { context: 1, user, topics: ['*'], ...fields });
  const hook = `${links.get('webhook')?.url ?? url}/webhooks/${webhookName}`;
  for (let user = 1; user <= users; user++) {
    await register(user, { client: 'sandbox', transport: 'webhook', token: hook });
    for (const { client, transport } of demoApps) {
      await register(user, { client, transport, token: tokenOf(transport, user) });
    }
    const pushSubscription = browserOf?.();
    if (pushSubscription === undefined) continue;
    await register(user, { client: browserClient, transport: 'webpush', pushSubscription });
  }
}

/** Configures Web Push. Returns a function that returns the subscription of a new browser at each call. */
async function browsers(system: System): Promise<() => object> {
  const { webpush, authority } = providersOf(system);
  const subject = 'mailto:ops@example.com';
  const options = { subject, allowedNetworks: ['127.0.0.0/8', '::1/128'], caFile: authority.cert };
  await system.expect(200, 'PUT', `/v1/clients/${browserClient}/transports/webpush`, options);
  const keyPath = `/v1/clients/${browserClient}/webpush-key`;
  const { applicationServerKey } = await system.expect<{ applicationServerKey: string }>(200, 'GET', keyPath);
  return () => webpush.subscribe(applicationServerKey);
}
