import { getEventListeners } from 'node:events';
import { onAbort, untilAborted } from './abort-listeners';

const reason = new Error('the process ends');

it('aborts all pending calls, with one listener for the signal', () => {
  const controller = new AbortController();
  const { signal } = controller;
  const given: [string, Error][] = [];
  for (const name of ['a', 'b', 'c']) onAbort(signal, (error) => given.push([name, error]));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  controller.abort(reason);
  expect(given).toEqual([
    ['a', reason],
    ['b', reason],
    ['c', reason],
  ]);
});

it('does not call functions that were removed, and adds no second listener', () => {
  const controller = new AbortController();
  const { signal } = controller;
  const given: string[] = [];
  const stop = onAbort(signal, () => given.push('ended'));
  stop();
  onAbort(signal, () => given.push('under way'));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  controller.abort(reason);
  expect(given).toEqual(['under way']);
});

it('waits for a promise at most until the signal is aborted', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  await expect(untilAborted(Promise.resolve('done'), signal)).resolves.toBe('done');
  await expect(untilAborted(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
  const waiting = untilAborted(new Promise(() => undefined), signal);
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(untilAborted(Promise.resolve('done'), signal)).rejects.toBe(reason);
});
