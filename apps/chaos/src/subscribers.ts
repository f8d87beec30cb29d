import type { DemoApp } from '@pns/sandbox';
import type { System } from '@pns/e2e';

/** Each user has a webhook and an app with each provider. */
export const transports = ['webhook', 'apns', 'fcm', 'wns'] as const;

/** The options for pushes over all transports. */
export const properties = {
  'com.openexchange.pns.transport.apn.ios.enabled': 'true',
  'com.openexchange.pns.transport.gcm.enabled': 'true',
  'com.openexchange.pns.transport.wns.enabled': 'true',
};

/** Registers the users from 1 to `users` for everything, over every transport. */
export async function subscribeAll(system: System, users: number): Promise<void> {
  const { providers, demoApps } = system.sandbox;
  if (providers === undefined) throw new Error('The sandbox plays no providers.');
  for (const { client, transport, options } of demoApps) {
    await system.expect(200, 'PUT', `/v1/clients/${client}/transports/${transport}`, options);
  }
  const windows = demoApps.find(({ transport }) => transport === 'wns') as DemoApp;
  const { sid } = windows.options as { readonly sid: string };
  const tokenOf = (transport: DemoApp['transport'], user: number): string => {
    if (transport === 'apns') return user.toString(16).padStart(64, '0');
    if (transport === 'fcm') return `phone-${user}:APA91b`;
    return providers.wns.uriOf(providers.wns.openChannel(sid, `desktop-${user}`));
  };
  for (let user = 1; user <= users; user++) {
    await system.subscribe({ context: 1, user }, 'chaos');
    for (const { client, transport } of demoApps) {
      const subscription = { context: 1, user, client, transport, token: tokenOf(transport, user), topics: ['*'] };
      await system.expect(201, 'POST', '/v1/subscriptions', subscription);
    }
  }
}
