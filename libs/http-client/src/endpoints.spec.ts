import type { Outcome } from '@pns/transport-contract';
import { type AttemptVerdict, Endpoints } from './endpoints';

const failed: AttemptVerdict = { outcome: { kind: 'retry', reason: 'down' }, isEndpointFailure: true };
const fine: AttemptVerdict = { outcome: { kind: 'delivered' }, isEndpointFailure: false };
const rejected: AttemptVerdict = { outcome: { kind: 'rejected', reason: 'bad' }, isEndpointFailure: false };

/** An attempt that succeeds. For very many attempts this is cheaper than a mock. */
const succeed = (): Promise<AttemptVerdict> => Promise.resolve(fine);
const attempts = (...list: AttemptVerdict[]) => jest.fn(() => Promise.resolve(list.shift() ?? fine));

describe('an endpoint that fails again and again', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const endpoints = () => new Endpoints({ failures: 3, openMs: 1000, maxOpenMs: 3000 });
  const isDeferred = (outcome: Outcome): boolean => outcome.kind === 'retry' && outcome.isDeferred === true;
  const fail = async (all: Endpoints, times: number, endpoint = 'a'): Promise<void> => {
    for (let i = 0; i < times; i++) await all.run(endpoint, 10, attempts(failed));
  };

  it('gets nothing, and deliveries are deferred with the time to wait', async () => {
    const all = endpoints();
    await fail(all, 3);
    const attempt = attempts(fine);
    const outcome = await all.run('a', 10, attempt);
    expect(attempt).not.toHaveBeenCalled();
    expect(outcome).toMatchObject({ kind: 'retry', afterMs: expect.any(Number) as number, isDeferred: true });
    expect((outcome as { afterMs: number }).afterMs).toBeGreaterThanOrEqual(1000);
    expect((outcome as { afterMs: number }).afterMs).toBeLessThanOrEqual(1250);
    expect(all.open).toBe(1);
  });

  it('does not affect another one', async () => {
    const all = endpoints();
    await fail(all, 3);
    expect(await all.run('b', 10, attempts(fine))).toEqual(fine.outcome);
  });

  it('stays in use if an answer arrives in between, good or bad', async () => {
    const all = endpoints();
    for (const answer of [fine, rejected]) {
      await fail(all, 2);
      expect(await all.run('a', 10, attempts(answer))).toEqual(answer.outcome);
    }
    expect(all.open).toBe(0);
  });

  it('is tried by one delivery when the time is over, and then by all', async () => {
    const all = endpoints();
    await fail(all, 3);
    jest.advanceTimersByTime(1000);
    let answer: (attempt: AttemptVerdict) => void = () => undefined;
    const trial = all.run('a', 10, () => new Promise((resolve) => (answer = resolve)));
    const others = attempts(fine);
    expect(isDeferred(await all.run('a', 10, others))).toBe(true);
    expect(others).not.toHaveBeenCalled();
    answer(fine);
    expect(await trial).toEqual(fine.outcome);
    expect(await all.run('a', 10, others)).toEqual(fine.outcome);
    expect(all.open).toBe(0);
  });

  it('gets nothing for twice as long after each failed try, up to a limit', async () => {
    const all = endpoints();
    await fail(all, 3);
    for (const waitMs of [1000, 2000, 3000, 3000]) {
      jest.advanceTimersByTime(waitMs - 1);
      expect(isDeferred(await all.run('a', 10, attempts(fine)))).toBe(true);
      jest.advanceTimersByTime(1);
      expect(await all.run('a', 10, attempts(failed))).toMatchObject(failed.outcome);
    }
  });

  it('forwards an error that is not a failure of the endpoint', async () => {
    const all = endpoints();
    await expect(all.run('a', 10, () => Promise.reject(new Error('aborted')))).rejects.toThrow('aborted');
    expect(all.open).toBe(0);
  });

  it('is forgotten before memory runs full', async () => {
    const all = endpoints();
    await fail(all, 3, 'first');
    for (let i = 0; i < 10_000; i++) await all.run(`other-${i}`, 10, succeed);
    expect(await all.run('first', 10, attempts(fine))).toEqual(fine.outcome);
  });

  it('is not forgotten while it is in use, although users choose very many other hosts', async () => {
    const all = endpoints();
    await fail(all, 3, 'first');
    for (let i = 0; i < 12_000; i++) {
      await all.run(`other-${i}`, 10, succeed);
      if (i % 1000 === 0) expect(isDeferred(await all.run('first', 10, attempts(fine)))).toBe(true);
    }
    expect(isDeferred(await all.run('first', 10, attempts(fine)))).toBe(true);
  });
});

describe('an endpoint with two slots', () => {
  it('has no more than two attempts at once, and serves those that wait in their order', async () => {
    const all = new Endpoints();
    const started: number[] = [];
    const finish: (() => void)[] = [];
    const runs = [0, 1, 2, 3].map((index) =>
      all.run('a', 2, () => {
        started.push(index);
        return new Promise((resolve) => finish.push(() => resolve(fine)));
      }),
    );
    expect(started).toEqual([0, 1]);
    finish[1]?.();
    await runs[1];
    await Promise.resolve();
    expect(started).toEqual([0, 1, 2]);
    finish[0]?.();
    await runs[0];
    await Promise.resolve();
    expect(started).toEqual([0, 1, 2, 3]);
    finish.slice(2).forEach((end) => end());
    expect(await Promise.all(runs)).toEqual(Array(4).fill(fine.outcome));
  });

  it('defers waiting deliveries if it is found to be dead', async () => {
    const all = new Endpoints({ failures: 2, openMs: 1000, maxOpenMs: 1000 });
    const attempt = attempts(...Array<AttemptVerdict>(50).fill(failed));
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => all.run('a', 2, attempt)));
    expect(attempt).toHaveBeenCalledTimes(2);
    expect(outcomes.every(({ kind }) => kind === 'retry')).toBe(true);
  });

  it('serves waiting deliveries although the ones before them reject', async () => {
    const all = new Endpoints();
    const runs = Array.from({ length: 10 }, () => all.run('a', 2, () => Promise.reject(new Error('aborted'))));
    expect((await Promise.allSettled(runs)).every(({ status }) => status === 'rejected')).toBe(true);
    expect(await all.run('a', 2, attempts(fine))).toEqual(fine.outcome);
  });
});

describe('an attempt that must be prepared', () => {
  const later: Outcome = { kind: 'retry', reason: 'not now', afterMs: 1000, isDeferred: true };

  it('is not made if the preparation defers it, and leaves the endpoint unchanged', async () => {
    const all = new Endpoints({ failures: 2, openMs: 1000, maxOpenMs: 1000 });
    const attempt = attempts(failed, failed, fine);
    await all.run('a', 10, attempt);
    for (let i = 0; i < 5; i++) expect(await all.run('a', 10, attempt, () => Promise.resolve(later))).toEqual(later);
    expect(attempt).toHaveBeenCalledTimes(1);
    expect(all.open).toBe(0);
    await all.run('a', 10, attempt, () => Promise.resolve(undefined));
    expect(all.open).toBe(1);
  });

  it('is not prepared while the circuit is open or half-open', async () => {
    jest.useFakeTimers();
    const all = new Endpoints({ failures: 1, openMs: 1000, maxOpenMs: 1000 });
    await all.run('a', 10, attempts(failed));
    const prepare = jest.fn(() => Promise.resolve(undefined));
    await all.run('a', 10, attempts(fine), prepare);
    jest.advanceTimersByTime(1000);
    let end: (attempt: AttemptVerdict) => void = () => undefined;
    const trial = all.run('a', 10, () => new Promise((resolve) => (end = resolve)));
    await Promise.resolve();
    await all.run('a', 10, attempts(fine), prepare);
    expect(prepare).not.toHaveBeenCalled();
    end(fine);
    await trial;
    await all.run('a', 10, attempts(fine), prepare);
    expect(prepare).toHaveBeenCalledTimes(1);
    jest.useRealTimers();
  });

  it('leaves the circuit unchanged if the preparation of a trial defers it', async () => {
    jest.useFakeTimers();
    const all = new Endpoints({ failures: 1, openMs: 1000, maxOpenMs: 1000 });
    await all.run('a', 10, attempts(failed));
    jest.advanceTimersByTime(1000);
    expect(await all.run('a', 10, attempts(fine), () => Promise.resolve(later))).toEqual(later);
    expect(all.open).toBe(1);
    expect(await all.run('a', 10, attempts(fine))).toEqual(fine.outcome);
    expect(all.open).toBe(0);
    jest.useRealTimers();
  });
});

describe('an endpoint that requested a pause', () => {
  const throttled: AttemptVerdict = {
    outcome: { kind: 'retry', reason: '429', afterMs: 2000 },
    isEndpointFailure: false,
    pauseMs: 2000,
  };

  it('gets nothing until the pause ends, and other endpoints are not affected', async () => {
    jest.useFakeTimers();
    const all = new Endpoints();
    expect(await all.run('a', 10, attempts(throttled))).toEqual({ ...throttled.outcome, isFromEndpoint: true });
    const attempt = attempts(fine, fine);
    const deferral = { kind: 'retry', afterMs: 2000, isDeferred: true };
    expect(await all.run('a', 10, attempt)).toMatchObject(deferral);
    expect(await all.run('b', 10, attempts(fine))).toEqual(fine.outcome);
    jest.advanceTimersByTime(1999);
    expect(await all.run('a', 10, attempt)).toMatchObject({ ...deferral, afterMs: 1 });
    expect(attempt).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(await all.run('a', 10, attempt)).toEqual(fine.outcome);
    expect(all.open).toBe(0);
    jest.useRealTimers();
  });

  it('keeps the longest of several pauses', async () => {
    jest.useFakeTimers();
    const all = new Endpoints();
    const brief = { ...throttled, pauseMs: 10 };
    await Promise.all([all.run('a', 10, attempts(throttled)), all.run('a', 10, attempts(brief))]);
    expect(await all.run('a', 10, attempts(fine))).toMatchObject({ afterMs: 2000 });
    jest.useRealTimers();
  });
});

describe('the mark of outcomes that the endpoint caused', () => {
  const isMarked = (outcome: Outcome): boolean => 'isFromEndpoint' in outcome;

  it.each<[string, boolean, AttemptVerdict]>([
    ['a failure', true, failed],
    ['refused credentials', true, { outcome: { kind: 'misconfigured', reason: '401' }, isEndpointFailure: false }],
    ['an accepted delivery', false, fine],
    ['an answer to the credentials of one subscription', false, { ...failed, isAboutCaller: true }],
    ['a local fault', false, { outcome: failed.outcome, isEndpointFailure: false, isLocalFault: true }],
  ])('of %s: %s', async (_, expected, verdict) => {
    expect(isMarked(await new Endpoints().run('a', 1, attempts(verdict)))).toBe(expected);
  });

  it('is replaced by another one for a local fault', async () => {
    const verdict: AttemptVerdict = { outcome: failed.outcome, isEndpointFailure: false, isLocalFault: true };
    expect(await new Endpoints().run('a', 1, attempts(verdict))).toEqual({ ...failed.outcome, isInternal: true });
  });

  it('is absent if the attempt was deferred before a request', async () => {
    const deferral: Outcome = { kind: 'retry', reason: 'names', afterMs: 1, isDeferred: true };
    const outcome = await new Endpoints().run('a', 1, attempts(fine), () => Promise.resolve(deferral));
    expect(isMarked(outcome)).toBe(false);
  });
});
