import fc from 'fast-check';
import { EndpointLimit } from './endpoint-limit';

type Round = 'answered' | 'failed';

/** Simulates `count` rounds and returns the new limit. In each round, as many deliveries end as the limit allows, after `ms`. */
function play(limit: EndpointLimit, count: number, ms: number, round: Round = 'answered'): number {
  for (; count > 0; count--) {
    for (let left = limit.current; left > 0; left--) {
      if (round === 'answered') limit.answered(ms, true);
      else limit.failed();
    }
  }
  return limit.current;
}

it.each([50, 300, 800])('reaches the capacity of the connections after two answer times of %d ms', (ms) => {
  const limit = new EndpointLimit(400);
  expect(limit.current).toBe(100);
  expect(play(limit, 2, ms)).toBe(400);
});

it('does not grow while it is not used up', () => {
  const limit = new EndpointLimit(400);
  for (let answer = 0; answer < 1000; answer++) limit.answered(50, false);
  expect(limit.current).toBe(100);
});

it('falls to a thirty-second part within the time of an answer when everything is throttled, and grows slowly then', () => {
  const limit = new EndpointLimit(400);
  play(limit, 2, 300);
  expect(play(limit, 1, 300, 'failed')).toBe(12);
  const grown = play(limit, 1, 300);
  expect(grown).toBeGreaterThan(12);
  expect(grown).toBeLessThanOrEqual(14);
  expect(play(limit, 40, 300)).toBe(400);
});

it.each([
  [5, 400],
  [20, 12],
])('with %d failures in a hundred it becomes %d of 400', (failures, expected) => {
  const limit = new EndpointLimit(400);
  play(limit, 2, 300);
  for (let at = 0; at < 20_000; at++) {
    if (at % 100 < failures) limit.failed();
    else limit.answered(300, true);
  }
  expect(Math.abs(limit.current - expected)).toBeLessThan(30);
});

it.each([20, 100, 400, 2000])(
  'of %d shrinks when answers take much longer, and grows back once that is usual',
  (most) => {
    const limit = new EndpointLimit(most);
    play(limit, 20, 50);
    expect(limit.current).toBe(most);
    let least = most;
    for (let round = 0; round < 100; round++) least = Math.min(least, play(limit, 1, 800));
    expect(least).toBeLessThan(0.8 * most);
    expect(limit.current).toBe(most);
  },
);

it('of a few connections is all of them, also when they fail', () => {
  const limit = new EndpointLimit(10);
  expect(limit.current).toBe(10);
  expect(play(limit, 10, 5000, 'failed')).toBe(10);
});

it('ignores slow answers among fast ones, and answers that are slower by some ms', () => {
  const limit = new EndpointLimit(100);
  play(limit, 10, 10);
  for (let answer = 0; answer < 5000; answer++) limit.answered(answer % 2 === 0 ? 400 : 10, true);
  expect(limit.current).toBe(100);
  const other = new EndpointLimit(100);
  play(other, 10, 10);
  expect(play(other, 3, 90)).toBe(100);
});

it('knows how long an answer takes after the first one', () => {
  const limit = new EndpointLimit(10);
  expect(limit.answerMs).toBeUndefined();
  limit.answered(300, false);
  expect(limit.answerMs).toBe(300);
});

it('follows what the connections carry', () => {
  const limit = new EndpointLimit(1000);
  limit.carries(100);
  expect(limit.current).toBe(100);
  limit.carries(1);
  expect(limit.current).toBe(1);
  limit.carries(6400);
  expect(limit.current).toBe(200);
});

it('does not limit deliveries without an endpoint', () => {
  const limit = new EndpointLimit(Infinity);
  limit.failed();
  limit.answered(10, true);
  expect(limit.current).toBe(Infinity);
});

it('is between one and what the connections carry, whatever happens', () => {
  const end = fc.record({
    ms: fc.double({ min: 0, max: 1e5, noNaN: true }),
    isAnswer: fc.boolean(),
    isUsedUp: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), fc.array(end, { maxLength: 200 }), (most, ends) => {
      const limit = new EndpointLimit(most);
      for (const { ms, isAnswer, isUsedUp } of ends) {
        if (isAnswer) limit.answered(ms, isUsedUp);
        else limit.failed();
        expect(limit.current).toBeGreaterThanOrEqual(1);
        expect(limit.current).toBeLessThanOrEqual(most);
      }
    }),
  );
});
