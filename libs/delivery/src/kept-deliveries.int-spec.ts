import { eventually } from '@pns/local-servers/waiting';
import { EndpointStore, FailedDeliveryStore } from '@pns/persistence';
import { log } from '@pns/runtime';
import type { Outcome } from '@pns/transport-contract';
import { deliveryStage, send } from './testing/delivery-stage';
import { FarSide } from './testing/far-side';

log.level = 'silent';

const { worker, delivery } = deliveryStage([
  'com.openexchange.pns.endpoint.disableAfter=500',
  'com.openexchange.pns.operator.webhook=ops',
]);

it('keeps the deliveries of an endpoint that is switched off, and sends them when it is on again', async () => {
  let isAway = true;
  const farSide = new FarSide(({ client }): Outcome =>
    isAway && client === 'sandbox'
      ? { kind: 'retry', reason: 'The endpoint answered 500.', isFromEndpoint: true }
      : { kind: 'delivered' },
  );
  const [app, other] = [await worker(farSide), await worker(farSide)];
  const failed = app.get(FailedDeliveryStore, { strict: false });
  const kept = await eventually('a delivery is kept', async () => {
    await send(app, [delivery()]);
    const { items } = await failed.list({}, { limit: 500 });
    return items.find(({ isKept }) => isKept);
  });
  expect(kept).toMatchObject({
    outcome: 'exhausted',
    isHeld: false,
    reason: expect.stringContaining('switched off') as string,
  });
  await farSide.until((came) => came.some(({ topic }) => topic === 'pns:endpoint:switched-off'));
  const reported = farSide.came.filter(({ client }) => client === 'ops').map(({ payload }) => payload['percent']);
  // On a busy machine, one attempt can be the first after two thresholds. Then only the later threshold is reported.
  expect([50, 70, 90, 100]).toEqual(expect.arrayContaining(reported));
  expect(reported.filter((percent) => percent === 100)).toHaveLength(1);
  expect(new Set(reported).size).toBe(reported.length);

  // A test push is sent. If it fails, the endpoint stays switched off.
  const cameBefore = farSide.came.length;
  const test = delivery({ id: 'test-1', replyTo: 'nobody' });
  await send(other, [test], 'test');
  await farSide.until((came) => came.length > cameBefore);
  expect(await app.get(EndpointStore, { strict: false }).enable({ client: 'nobody' })).toEqual([]);

  isAway = false;
  await send(other, [delivery({ id: 'test-2', replyTo: 'nobody' })], 'test');
  await farSide.until((came) => came.some(({ id, attempt }) => id === kept.delivery.id && attempt === 1));
  await eventually('nothing is kept', async () => {
    const { items } = await failed.list({}, { limit: 500 });
    return items.every(({ isKept }) => isKept !== true);
  });
});
