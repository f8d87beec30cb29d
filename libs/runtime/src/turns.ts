/** Longest time that work may run without a pause, in ms. Longer work delays everything else in the process. */
const sliceMs = 10;

const waiting: (() => void)[] = [];

/** When the work of this turn of the event loop began; undefined before the first check of a turn. */
let turnBegan: number | undefined;

/** Resolves in a later turn of the event loop. Each turn resolves one waiting call only, in order. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(serveNext);
  });
}

function serveNext(): void {
  turnBegan = undefined;
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(serveNext);
}

/**
 * Returns undefined if this turn of the event loop has worked for at most `sliceMs`, else a promise that resolves in such a turn.
 * Call it directly before each of many short pieces of work of different callers, which can become ready in the same turn.
 */
export function shortTurn(): Promise<void> | undefined {
  return isTurnLong() ? nextTurn().then(shortTurn) : undefined;
}

/** Whether more than `sliceMs` have passed since the first check in this turn. */
function isTurnLong(): boolean {
  if (turnBegan !== undefined) return performance.now() - turnBegan > sliceMs;
  turnBegan = performance.now();
  setImmediate(() => (turnBegan = undefined));
  return false;
}

/** Divides long work into slices, so that the process can do other work between them. */
export class Slices {
  private startedAt = performance.now();

  /** Whether the slice has lasted longer than `sliceMs`. */
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
