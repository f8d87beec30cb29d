import { inTotal } from './failed';

it('repeats a request until nothing is left, for what had failed when the first one began', async () => {
  const failedBefore = '2026-11-22T10:31:00.000Z';
  const parts = [
    { handled: 10_000, hasMore: true, failedBefore },
    { handled: 10_000, hasMore: true, failedBefore },
    { handled: 7, hasMore: false },
  ];
  const asked: object[] = [];
  const total = await inTotal((more) => {
    asked.push(more);
    return Promise.resolve(parts.shift() ?? { handled: 0, hasMore: false });
  });
  expect(total).toBe(20_007);
  expect(asked).toEqual([{}, { failedBefore }, { failedBefore }]);
});

it('ends when another program has the rest', async () => {
  expect(await inTotal(() => Promise.resolve({ handled: 0, hasMore: true }))).toBe(0);
});
