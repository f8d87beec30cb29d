import type { Delivery } from '@pns/transport-contract';
import fc from 'fast-check';
import { Unconfirmed, type Sent } from './unconfirmed';

const delivery = (id: string): Delivery => ({ id }) as unknown as Delivery;
const idsOf = ({ deliveries }: { deliveries: readonly Delivery[] }) => deliveries.map(({ id }) => id);

it('stores events that were not confirmed, also those that were never written', () => {
  const unconfirmed = new Unconfirmed({ maxNotifications: 10, maxBytes: 100 });
  const [a, b, c] = ['a', 'b', 'c'].map((id) => unconfirmed.add(delivery(id), 1)) as [Sent, Sent, Sent];
  unconfirmed.wrote(a, 5);
  unconfirmed.wrote(b, 6);
  expect(idsOf(unconfirmed.since(0))).toEqual(['a', 'b', 'c']);
  expect(idsOf(unconfirmed.since(6))).toEqual(['b', 'c']);
  expect(idsOf(unconfirmed.since(Infinity))).toEqual(['c']);
  unconfirmed.confirm(1);
  expect(idsOf(unconfirmed.since(0))).toEqual(['b', 'c']);
  unconfirmed.wrote(c, 7);
  unconfirmed.confirm(3);
  expect(unconfirmed.isEmpty).toBe(true);
});

it.each([
  ['notifications', { maxNotifications: 2, maxBytes: 100 }],
  ['bytes', { maxNotifications: 10, maxBytes: 2 }],
])('reports a gap when it has no room for more %s, until the gap was confirmed', (_, limits) => {
  const unconfirmed = new Unconfirmed(limits);
  for (const id of ['a', 'b', 'c']) unconfirmed.wrote(unconfirmed.add(delivery(id), 1), 1);
  expect([idsOf(unconfirmed.since(0)), unconfirmed.since(0).hasGap]).toEqual([['a', 'b'], true]);
  expect(unconfirmed.since(2).hasGap).toBe(false);
  unconfirmed.confirm(2);
  expect([idsOf(unconfirmed.since(0)), unconfirmed.since(0).hasGap]).toEqual([[], true]);
  unconfirmed.confirm(3);
  expect(unconfirmed.isEmpty).toBe(true);
});

it('reports a gap until the client has confirmed the event that announces it', () => {
  const unconfirmed = new Unconfirmed({ maxNotifications: 10, maxBytes: 100 });
  unconfirmed.wrote(unconfirmed.add(undefined, 0), 1);
  expect(unconfirmed.since(0)).toEqual({ deliveries: [], hasGap: true });
  unconfirmed.confirm(1);
  expect(unconfirmed.since(0)).toEqual({ deliveries: [], hasGap: false });
});

it('loses nothing that was not confirmed without reporting it', () => {
  const step = fc.oneof(
    fc.constant('send' as const),
    fc.nat(30).map((number) => ({ confirm: number })),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (steps, maxNotifications) => {
      const unconfirmed = new Unconfirmed({ maxNotifications, maxBytes: 1000 });
      let open: number[] = [];
      for (const action of steps) {
        if (action === 'send') {
          unconfirmed.wrote(unconfirmed.add(delivery(`${unconfirmed.lastNumber + 1}`), 1), 1);
          open.push(unconfirmed.lastNumber);
        } else {
          unconfirmed.confirm(action.confirm);
          open = open.filter((number) => number > action.confirm);
        }
        const { deliveries, hasGap } = unconfirmed.since(0);
        const kept = deliveries.map(({ id }) => Number(id));
        if (!hasGap) expect(kept).toEqual(open);
        expect(open.filter((number) => kept.includes(number))).toEqual(kept);
      }
    }),
  );
});
