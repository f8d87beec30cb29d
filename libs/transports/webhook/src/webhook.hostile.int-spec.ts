import { describeHostileEndpoints } from '@pns/http-client/testing/hostile-endpoints';
import type { Delivery } from '@pns/transport-contract';
import { webhookOptions, WebhookTransport } from './index';

const deliveryTo = (token: string): Delivery => ({
  ...{ id: 'd', notificationId: 'n', subscriptionId: 's', context: 1, user: 14, client: 'crm', transport: 'webhook' },
  ...{ token, topic: 'ox:mail:new', payload: {}, priority: 'high', count: 1, timestamp: 0, dueAt: 0, attempt: 1 },
});

describeHostileEndpoints('webhook', (lookUp) => {
  let allowedNetworks: readonly string[] = [];
  const transport = new WebhookTransport({
    options: () => webhookOptions.parse({ uriValidationMode: 'none', httpsOnly: false, allowedNetworks }),
    metaOf: () => Promise.reject(new Error('No subscription of these tests has meta.')),
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
