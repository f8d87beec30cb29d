import { clockFindings } from './clock';

it.each([
  ['the same time', 1000, 0],
  ['a time during a slow request', 5000, 0],
  ['a second before', -1000, 0],
  ['a second after', 11_000, 0],
  ['further before', -4000, 4],
  ['further after', 17_000, 7],
])('%s differs by %i', (_, time, seconds) => {
  const found = clockFindings('Redis', 0, time, 10_000);
  expect(found).toEqual(
    seconds === 0
      ? []
      : [
          {
            where: 'Redis',
            problem: `Its clock differs from this machine's by ${seconds} s.`,
            cure: 'Let NTP set both clocks.',
          },
        ],
  );
});
