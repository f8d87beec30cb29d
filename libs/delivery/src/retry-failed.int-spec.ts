import { FailedDeliveryStore } from '@pns/persistence';
import { Queues, type DeliveryJob } from '@pns/queue';
import { log } from '@pns/runtime';
import { retryFailed } from './retry-failed';
import { nodeQueue } from './routing';
import { parkedNode } from './socket-target';
import { deliveryStage } from './testing/delivery-stage';
import { FarSide } from './testing/far-side';

log.level = 'silent';

const { worker, delivery } = deliveryStage();

it('sends a delivery for a socket to the current nodes of the user’s sockets, and not to the queue of a node that may have ended', async () => {
  const app = await worker(new FarSide(() => ({ kind: 'delivered' })));
  const [queues, failed] = [app.get(Queues, { strict: false }), app.get(FailedDeliveryStore, { strict: false })];
  const toSocket = { transport: 'websocket', subscriptionId: undefined, token: 'node-1 connection-1' } as const;
  const exhausted = delivery({ id: 'to a socket', attempt: 10, ...toSocket });
  await failed.record([
    { delivery: exhausted, outcome: 'exhausted', reason: 'internal error', isHeld: false, failedAt: Date.now() },
  ]);
  expect(await retryFailed(queues, failed, { ids: ['to a socket'] }, 10)).toBe(1);
  const { group, name } = nodeQueue(queues.keys, parkedNode);
  const [job] = await queues.queue<DeliveryJob>(group, name).getWaiting();
  const target = { kind: 'parked', step: 'find' };
  expect(job?.data.deliveries).toMatchObject([{ id: 'to a socket', attempt: 1, target }]);
});

it('makes the worker read the current credentials of a webhook’s subscription', async () => {
  const farSide = new FarSide(() => ({ kind: 'delivered' }));
  const app = await worker(farSide);
  const [queues, failed] = [app.get(Queues, { strict: false }), app.get(FailedDeliveryStore, { strict: false })];
  const refused = { outcome: 'misconfigured', reason: 'The endpoint answered 401.', isHeld: false } as const;
  await failed.record([{ delivery: delivery({ id: 'refused' }), ...refused, failedAt: Date.now() }]);
  await retryFailed(queues, failed, { ids: ['refused'] }, 10);
  await farSide.until((came) => came.length === 1);
  expect(farSide.came).toMatchObject([{ id: 'refused', hasMeta: true }]);
});

it('sends a message to the operator again without asking for credentials of a subscription', async () => {
  const farSide = new FarSide(() => ({ kind: 'delivered' }));
  const app = await worker(farSide);
  const [queues, failed] = [app.get(Queues, { strict: false }), app.get(FailedDeliveryStore, { strict: false })];
  const message = delivery({ id: 'to the operator', context: 0, user: 0, subscriptionId: undefined });
  const unknown = { outcome: 'misconfigured', reason: 'ops is not configured.', isHeld: true } as const;
  await failed.record([{ delivery: message, ...unknown, failedAt: Date.now() }]);
  await retryFailed(queues, failed, { ids: ['to the operator'] }, 10);
  await farSide.until((came) => came.length === 1);
  expect(farSide.came[0]).not.toHaveProperty('hasMeta');
});
