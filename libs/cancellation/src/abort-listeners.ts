import { setMaxListeners } from 'node:events';

interface Entry {
  readonly aborts: Set<(reason: Error) => void>;
  readonly stop: () => void;
}

/**
 * Calls functions when a signal is aborted, with one listener for each signal: thousands of pushes use the same signal, and Node
 * scans all listeners of a signal when another is added.
 */
export class AbortListeners {
  private readonly bySignal = new Map<AbortSignal, Entry>();

  /** Calls `abort` with the signal's reason when the signal is aborted, unless the returned function is called before. */
  add(signal: AbortSignal, abort: (reason: Error) => void): () => void {
    const { aborts, stop } = this.bySignal.get(signal) ?? this.listen(signal);
    aborts.add(abort);
    return () => {
      aborts.delete(abort);
      if (aborts.size === 0) stop();
    };
  }

  /** Settles as `promise` does, or rejects with the signal's reason. Other users of the promise are not affected. */
  async race<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const stop = this.add(signal, reject);
      promise.then(resolve, reject).finally(stop);
    });
  }

  private listen(signal: AbortSignal): Entry {
    const aborts: Entry['aborts'] = new Set();
    const listener = (): void => {
      for (const abort of [...aborts]) abort(signal.reason as Error);
    };
    const stop = (): void => {
      signal.removeEventListener('abort', listener);
      this.bySignal.delete(signal);
    };
    const entry = { aborts, stop };
    // Every client of a worker listens to the signal that ends the process.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', listener);
    this.bySignal.set(signal, entry);
    return entry;
  }
}
