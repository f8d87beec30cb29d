import fc from 'fast-check';
import { EndpointLimit } from './endpoint-limit';

/** Plays rounds in each of which as many answers come as the limit allows, each after `ms`. */
function rounds(
  limit: EndpointLimit,
  count: number,
  ms: number,
  startedAt = 0,
  verdict: 'answered' | 'failed' = 'answered',
): number {
  let now = startedAt;
  for (let round = 0; round < count; round++) {
    now += ms;
    for (let left = limit.current; left > 0; left--) {
      if (verdict === 'answered') limit.answered(ms, true, now);
      else limit.failed(ms, now);
    }
  }
  return now;
}

it.each([50, 300, 800])('is what the connections carry after two times of an answer, be that %d ms', (ms) => {
  const limit = new EndpointLimit(400);
  expect(limit.current).toBe(100);
  rounds(limit, 2, ms);
  expect(limit.current).toBe(400);
});

it('does not grow while it is not used up', () => {
  const limit = new EndpointLimit(400);
  for (let answer = 0; answer < 1000; answer++) limit.answered(50, false, answer);
  expect(limit.current).toBe(100);
});

it('is halved once in the time of an answer while the far side fails, down to a thirty-second part', () => {
  const limit = new EndpointLimit(400);
  let now = rounds(limit, 2, 300);
  const seen = Array.from({ length: 8 }, () => {
    now = rounds(limit, 1, 300, now, 'failed');
    return limit.current;
  });
  expect(seen).toEqual(
    [200, 100, 50, 25, 13, 13, 13, 13].map((_, at) => Math.floor(Math.max(13, 400 / 2 ** (at + 1)))),
  );
});

it('grows by an eighth in the time of an answer once it has shrunk', () => {
  const limit = new EndpointLimit(400);
  let now = rounds(limit, 2, 300);
  now = rounds(limit, 1, 300, now, 'failed');
  expect(limit.current).toBe(200);
  now = rounds(limit, 1, 300, now);
  expect(limit.current).toBe(225);
  rounds(limit, 20, 300, now);
  expect(limit.current).toBe(400);
});

it('shrinks when answers take much longer than usual, and recovers once that is usual', () => {
  const limit = new EndpointLimit(400);
  let now = rounds(limit, 10, 50);
  expect(limit.current).toBe(400);
  now = rounds(limit, 1, 800, now);
  expect(limit.current).toBeLessThan(400);
  expect(limit.current).toBeGreaterThanOrEqual(200);
  rounds(limit, 20, 800, now);
  expect(limit.current).toBe(400);
});

it('takes no notice of a slow answer now and then, nor of some ms more', () => {
  const limit = new EndpointLimit(400);
  let now = rounds(limit, 5, 10);
  for (let answer = 0; answer < 1000; answer++) limit.answered(answer % 50 === 0 ? 200 : 10, true, (now += 1));
  rounds(limit, 2, 90, now);
  expect(limit.current).toBe(400);
});

it('is quick where answers take a second or less, and not before the first one', () => {
  const limit = new EndpointLimit(10);
  expect([limit.isQuick, limit.answerMs]).toEqual([false, undefined]);
  limit.answered(1000, false, 0);
  expect([limit.isQuick, limit.answerMs]).toEqual([true, 1000]);
  for (let timeOut = 0; timeOut < 10; timeOut++) limit.failed(5000, timeOut);
  expect(limit.isQuick).toBe(false);
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

it('has none where there is no far side', () => {
  const limit = new EndpointLimit(Infinity);
  limit.failed(10, 0);
  limit.answered(10, true, 1);
  expect(limit.current).toBe(Infinity);
});

it('is between one and what the connections carry, whatever happens', () => {
  const event = fc.record({
    ms: fc.double({ min: 0, max: 1e5, noNaN: true }),
    isAnswer: fc.boolean(),
    isUsedUp: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), fc.array(event, { maxLength: 200 }), (most, events) => {
      const limit = new EndpointLimit(most);
      let now = 0;
      for (const { ms, isAnswer, isUsedUp } of events) {
        now += ms / 10;
        if (isAnswer) limit.answered(ms, isUsedUp, now);
        else limit.failed(ms, now);
        expect(limit.current).toBeGreaterThanOrEqual(1);
        expect(limit.current).toBeLessThanOrEqual(most);
      }
    }),
  );
});
