import { setMaxListeners } from 'node:events';

type Abort = (reason: Error) => void;

const abortsBySignal = new WeakMap<AbortSignal, Set<Abort>>();

/**
 * Calls `abort` with the signal's reason when the signal is aborted, unless the returned function is called before. Each signal has
 * one listener, which stays: thousands of pushes use the same signal, and Node scans all listeners when one is added or removed.
 * So `signal` must not be composed of others (`AbortSignal.any`): Node keeps such a signal in memory while it has a listener.
 */
export function onAbort(signal: AbortSignal, abort: Abort): () => void {
  const aborts = abortsBySignal.get(signal) ?? listen(signal);
  aborts.add(abort);
  return () => void aborts.delete(abort);
}

/** Settles as `promise` does, or rejects with the signal's reason. Other users of the promise are not affected. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, reject);
    promise.then(resolve, reject).finally(stop);
  });
}

function listen(signal: AbortSignal): Set<Abort> {
  const aborts = new Set<Abort>();
  // Other code listens to the signal that ends the process, too.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', () => {
    for (const abort of [...aborts]) abort(signal.reason as Error);
  });
  abortsBySignal.set(signal, aborts);
  return aborts;
}
