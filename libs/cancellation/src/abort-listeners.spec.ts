import { getEventListeners } from 'node:events';
import { AbortListeners } from './abort-listeners';

const reason = new Error('the process ends');

it('aborts all pending calls, with one listener for the signal', () => {
  const aborts = new AbortListeners();
  const controller = new AbortController();
  const { signal } = controller;
  const given: [string, Error][] = [];
  for (const name of ['a', 'b', 'c']) aborts.add(signal, (error) => given.push([name, error]));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  controller.abort(reason);
  expect(given).toEqual([
    ['a', reason],
    ['b', reason],
    ['c', reason],
  ]);
});

it('does not call functions that were removed, and removes its listener after the last one', () => {
  const aborts = new AbortListeners();
  const controller = new AbortController();
  const { signal } = controller;
  const given: string[] = [];
  const stop = aborts.add(signal, () => given.push('ended'));
  aborts.add(signal, () => given.push('under way'));
  stop();
  controller.abort(reason);
  expect(given).toEqual(['under way']);

  const { signal: idle } = new AbortController();
  aborts.add(idle, () => undefined)();
  expect(getEventListeners(idle, 'abort')).toEqual([]);
});

it('waits for a promise at most until the signal is aborted', async () => {
  const aborts = new AbortListeners();
  const controller = new AbortController();
  const { signal } = controller;
  await expect(aborts.race(Promise.resolve('done'), signal)).resolves.toBe('done');
  await expect(aborts.race(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
  const waiting = aborts.race(new Promise(() => undefined), signal);
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(aborts.race(Promise.resolve('done'), signal)).rejects.toBe(reason);
});
