/** Longest time that work may run without a pause, in ms. Longer work delays everything else in the process. */
const sliceMs = 10;

const waiting: (() => void)[] = [];

/** Resolves in a later turn of the event loop. Each turn resolves one waiting call only, in order. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(serveNext);
  });
}

function serveNext(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(serveNext);
}

/** Divides long work into slices, between which the process serves others. */
export class Slices {
  private startedAt = performance.now();

  /** Whether the slice has lasted long enough. */
  get isOver(): boolean {
    return performance.now() - this.startedAt > sliceMs;
  }

  /** Waits for a turn of the event loop if the slice is over. */
  async pause(): Promise<void> {
    if (!this.isOver) return;
    await nextTurn();
    this.startedAt = performance.now();
  }
}
