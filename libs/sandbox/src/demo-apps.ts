import type { Providers } from './providers';

/** An app on a simulated device, and the options that a service needs to push to it. */
export interface DemoApp {
  readonly client: string;
  readonly transport: 'apns' | 'fcm' | 'wns';
  /** The property that enables the transport for the client. */
  readonly property: string;
  readonly token: string;
  /** The options for `PUT /v1/clients/{client}/transports/{transport}`. */
  readonly options: object;
}

/** Creates an app for each provider, with new accounts and credentials. */
export function demoApps({ authority, apns, fcm, wns }: Providers): DemoApp[] {
  const key = apns.accounts.createKey('DEMOKEY001', { teamid: 'DEMOTEAM01' });
  const microsoft = wns.accounts.register();
  const channel = wns.openChannel(microsoft.sid, 'demo-desktop');
  const caFile = authority.cert;
  return [
    {
      client: 'demo-ios',
      transport: 'apns',
      property: 'com.openexchange.pns.transport.apn.ios.enabled.demo-ios',
      token: '5a4d'.repeat(16),
      options: { authtype: 'jwt', ...key, topic: 'com.example.mail', endpoint: apns.url, caFile },
    },
    {
      client: 'demo-android',
      transport: 'fcm',
      property: 'com.openexchange.pns.transport.gcm.enabled.demo-android',
      token: 'demo-phone:APA91b-of-the-sandbox',
      options: {
        serviceAccount: JSON.stringify(fcm.accounts.create('pns-demo')),
        endpoint: fcm.url,
        tokenEndpoint: fcm.tokenUrl,
        caFile,
      },
    },
    {
      client: 'demo-windows',
      transport: 'wns',
      property: 'com.openexchange.pns.transport.wns.enabled.demo-windows',
      token: wns.uriOf(channel),
      options: {
        sid: microsoft.sid,
        secret: microsoft.secret,
        tokenEndpoint: wns.tokenUrl(),
        allowedHosts: [wns.host],
        caFile,
      },
    },
  ];
}
