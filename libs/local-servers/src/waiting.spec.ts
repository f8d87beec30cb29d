import { eventually, withEnoughTime } from './waiting';

describe('eventually', () => {
  it.each([[0], [''], ['found'], [true]])('resolves with %j', async (value) => {
    expect(await eventually('there is a value', () => value)).toBe(value);
  });

  it.each([[undefined], [null], [false]])('looks again after %j', async (notYet) => {
    const seen = [notYet, notYet, 'found'];
    expect(await eventually('there is a value', () => Promise.resolve(seen.shift()))).toBe('found');
  });

  it('rejects with what was awaited', async () => {
    await expect(eventually('the delivery has failed', () => false, 5)).rejects.toThrow(
      'This did not happen within 5 ms: the delivery has failed.',
    );
  });

  it('rejects with the error of a look', async () => {
    const look = () => Promise.reject(new Error('refused'));
    await expect(eventually('there is a value', look)).rejects.toThrow('refused');
  });
});

describe('withEnoughTime', () => {
  it.each([
    [1000, [1000]],
    [4000, [1000, 4000]],
    [16_000, [1000, 4000, 16_000]],
  ])('tries longer time-outs until %i ms are enough', async (enough, expected) => {
    const tried: number[] = [];
    await withEnoughTime((timeoutMs) => {
      tried.push(timeoutMs);
      return timeoutMs < enough ? Promise.reject(new Error('too short')) : Promise.resolve();
    });
    expect(tried).toEqual(expected);
  });

  it('rejects with the error of the longest time-out', async () => {
    const check = (timeoutMs: number) => Promise.reject(new Error(`failed after ${timeoutMs} ms`));
    await expect(withEnoughTime(check)).rejects.toThrow('failed after 16000 ms');
  });
});
