import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cuttableLink } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { SubscriptionStore } from '@pns/persistence';
import { deliveryQueue, Queues, type DeliveryJob } from '@pns/queue';
import { log } from '@pns/runtime';
import type { Delivery } from '@pns/transport-contract';
import { webhookWorker } from '@pns/worker-webhook';
import { WorkerStage } from './testing/worker-stage';

log.level = 'silent';

let stage: WorkerStage;
let endpoint: Server;
let hook: { client: string; transport: 'webhook'; token: string };

beforeAll(async () => {
  stage = await WorkerStage.open([
    'com.openexchange.webhooks.enabledIds=crm',
    'com.openexchange.pns.retry.attempts=1',
    'com.openexchange.pns.retry.baseDelay=50',
  ]);
  endpoint = createServer((_, response) => response.writeHead(204).end()).listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  const uri = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/hook`;
  hook = { client: 'crm', transport: 'webhook', token: uri };
  const entry = { uri, httpsOnly: false, allowedNetworks: ['127.0.0.0/8'], webhookSecret: 'Bearer configured' };
  stage.configure('webhooks.yml', { crm: entry });
});

afterEach(() => stage.stop());

afterAll(async () => {
  endpoint.close();
  endpoint.closeAllConnections();
  await stage.close();
});

/** Resolves with the Authorization header of the next request to the endpoint. */
async function authorization(): Promise<string | undefined> {
  const [request] = (await once(endpoint, 'request')) as [IncomingMessage];
  return request.headers.authorization;
}

async function registered(meta: object): Promise<string> {
  const what = { context: 1, user: 14, topics: ['*'], isShared: true, meta: { ...meta } } as const;
  return (await stage.part(SubscriptionStore).register({ ...hook, ...what })).subscription.id;
}

/** Resolves when the next attempt of a delivery is enqueued with a delay. */
function deferred(id: string): Promise<unknown> {
  const queues = stage.part(Queues);
  const queue = queues.queue<DeliveryJob>(queues.keys.group(0), deliveryQueue('webhook'));
  const isIt = (each: Delivery) => each.id === id && each.attempt > 1;
  return eventually('the delivery is enqueued again', async () =>
    (await queue.getDelayed()).find(({ data }) => data.deliveries.some(isIt)),
  );
}

it('sends the credentials that a subscription has at the time of the attempt', async () => {
  await stage.start(webhookWorker);
  const subscriptionId = await registered({ authorization: 'Bearer own' });
  const arrives = async (id: string) => {
    const arrived = authorization();
    await stage.send({ ...hook, id, subscriptionId, hasMeta: true });
    return arrived;
  };
  expect(await arrives('own-1')).toBe('Bearer own');
  const store = stage.part(SubscriptionStore);
  await store.change(subscriptionId, { meta: { username: 'jane', password: 'new' } });
  expect(await arrives('own-2')).toBe(`Basic ${Buffer.from('jane:new').toString('base64')}`);
  await store.change(subscriptionId, { meta: null });
  expect(await arrives('own-3')).toBe('Bearer configured');
});

it('waits for the credentials of a subscription while Postgres is unreachable, and sends nothing without them', async () => {
  const link = await cuttableLink(stage.database.url);
  await stage.start(webhookWorker, link.url);
  const subscriptionId = await registered({ authorization: 'Bearer own' });
  // When the first delivery has arrived, the worker has read the user's properties and the subscription.
  const known = { ...hook, subscriptionId, dueAt: Date.now() + 60_000 };
  let arrived = authorization();
  await stage.send({ ...known, id: 'before' });
  expect(await arrived).toBe('Bearer configured');
  link.cut();
  arrived = authorization();
  await stage.send({ ...known, id: 'meanwhile', hasMeta: true });
  await deferred('meanwhile');
  link.mend();
  expect(await arrived).toBe('Bearer own');
  await link.close();
});
