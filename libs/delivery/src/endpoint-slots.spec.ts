import { EndpointSlots } from './endpoint-slots';

it('one endpoint has so many slots, and its lack of them is nobody else’s', () => {
  const slots = new EndpointSlots(2);
  expect([slots.take('a'), slots.take('a'), slots.take('a')]).toEqual([true, true, false]);
  expect(slots.take('b')).toBe(true);
  slots.release('a', 10);
  expect(slots.take('a')).toBe(true);
});

it('puts jobs off for about as long as those before them take', () => {
  const slots = new EndpointSlots(4);
  for (let job = 0; job < 4; job++) slots.take('a');
  const soon = slots.pauseMs('a', 0.99);
  for (let job = 0; job < 40; job++) slots.take('a');
  expect(slots.pauseMs('a', 0.99)).toBeGreaterThan(5 * soon);
  expect(slots.pauseMs('a', 0)).toBeLessThan(slots.pauseMs('a', 0.99));
});

it('learns how quick an endpoint is', () => {
  const slots = new EndpointSlots(1);
  slots.take('a');
  slots.take('a');
  const before = slots.pauseMs('a', 0.5);
  for (let job = 0; job < 20; job++) {
    slots.release('a', 4);
    slots.take('a');
    slots.take('a');
  }
  expect(slots.pauseMs('a', 0.5)).toBeLessThan(before / 5);
});

it('never puts a job off for longer than five seconds, and never for no time', () => {
  const slots = new EndpointSlots(1);
  for (let job = 0; job < 10_000; job++) slots.take('a');
  expect(slots.pauseMs('a', 0.9999)).toBeLessThanOrEqual(5000);
  expect(slots.pauseMs('unknown', 0)).toBeGreaterThan(0);
});
