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

it('sends what was for a socket to wherever the user’s sockets are now, and not to the queue of a node that may be gone', async () => {
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

it('has the worker look for credentials that the subscription of a webhook was given since', async () => {
  const farSide = new FarSide(() => ({ kind: 'delivered' }));
  const app = await worker(farSide);
  const [queues, failed] = [app.get(Queues, { strict: false }), app.get(FailedDeliveryStore, { strict: false })];
  const refused = { outcome: 'misconfigured', reason: 'The endpoint answered 401.', isHeld: false } as const;
  await failed.record([{ delivery: delivery({ id: 'refused' }), ...refused, failedAt: Date.now() }]);
  await retryFailed(queues, failed, { ids: ['refused'] }, 10);
  await farSide.until((came) => came.length === 1);
  expect(farSide.came).toMatchObject([{ id: 'refused', hasMeta: true }]);
});
