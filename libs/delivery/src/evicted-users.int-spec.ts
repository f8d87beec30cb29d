import { ConfigCascade, ConfigChanges } from '@pns/config-cascade';
import { eventually } from '@pns/local-servers/waiting';
import { ConfigStore, FailedDeliveryStore } from '@pns/persistence';
import { log } from '@pns/runtime';
import { DataSource } from 'typeorm';
import { deliveryStage, send } from './testing/delivery-stage';
import { FarSide } from './testing/far-side';

log.level = 'silent';

const { worker, delivery } = deliveryStage();

const jim = { context: 1, user: 16 };

it('the properties of a user who is evicted from the cache during an attempt decide about the retry', async () => {
  const others = Array.from({ length: 1100 }, (_, index) => ({ context: 2, user: index + 1 }));
  const farSide = new FarSide(async () => {
    const cascade = app.get(ConfigCascade, { strict: false });
    for (let from = 0; from < others.length; from += 550) await cascade.load(others.slice(from, from + 550));
    expect(cascade.scopesOf(jim)).toBeUndefined();
    return { kind: 'retry', reason: 'busy' };
  });
  const app = await worker(farSide);
  await app.get(DataSource, { strict: false }).query(
    `INSERT INTO user_properties (context_id, user_id, name, value)
     SELECT 2, user_id, 'any', repeat('x', 65000) FROM generate_series(1, 1100) AS user_id`,
  );
  const place = { scope: 'user', ...jim } as const;
  const attempts = { name: 'com.openexchange.pns.retry.attempts', value: '1' };
  const put = () => app.get(ConfigStore, { strict: false }).put(place, attempts);
  await app.get(ConfigChanges, { strict: false }).make(place, put);
  await send(app, [delivery({ id: 'once', ...jim })]);
  const stored = () => app.get(FailedDeliveryStore, { strict: false }).get('once');
  expect(await eventually('the delivery has failed', stored)).toMatchObject({ outcome: 'exhausted' });
  expect(farSide.came).toHaveLength(1);
});
