import { describeHostileEndpoints } from '@pns/http-client/testing/hostile-endpoints';
import { pushContent } from '@pns/payloads';
import type { Delivery } from '@pns/transport-contract';
import { newVapidKeys, webpushOptions, WebpushTransport } from './index';

const server = newVapidKeys();
const browser = {
  p256dh: newVapidKeys().publicKey,
  auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  applicationServerKey: server.publicKey,
};

const deliveryTo = (token: string): Delivery => ({
  ...{ id: 'd', notificationId: 'n', subscriptionId: 's', context: 1, user: 14, client: 'web', transport: 'webpush' },
  ...{ token, topic: 'ox:mail:new', payload: {}, priority: 'high', count: 1, timestamp: 0, dueAt: 0, attempt: 1 },
});

describeHostileEndpoints('webpush', (lookUp) => {
  let allowedNetworks: readonly string[] = [];
  const transport = new WebpushTransport({
    options: () => webpushOptions.parse({ httpsOnly: false, allowedNetworks }),
    content: (delivery) => pushContent(delivery, { hasBadge: true }),
    keysOf: () => Promise.resolve(() => browser),
    serverKeys: () => Promise.resolve(server),
    subject: () => undefined,
    lookUp,
  });
  return {
    deliverTo: (endpoint, networks) => {
      allowedNetworks = networks;
      return transport.deliver(deliveryTo(endpoint), new AbortController().signal);
    },
    close: () => transport.close(),
  };
});
