import { timeSortedId } from './time-sorted-id';

it('is a UUID of version 7 that begins with the time', () => {
  // The example of RFC 9562, A.6, has this time.
  expect(timeSortedId(0x017f22e279b0)).toMatch(/^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

it('sorts by time, and differs for the same time', () => {
  const ids = [5, 1_700_000_000_000, 1_700_000_000_001, 2_000_000_000_000].map(timeSortedId);
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(Array.from({ length: 1000 }, () => timeSortedId(5))).size).toBe(1000);
});
