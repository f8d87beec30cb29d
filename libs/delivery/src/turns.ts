/** A place in the order. `done` may be called more than once. */
export interface Turn {
  /** Resolves when all turns before this one are done. */
  readonly before: Promise<void>;
  readonly done: () => void;
}

/** Keeps concurrent jobs from overtaking each other: each waits at one point until those before it have passed that point. */
export class Turns {
  private last: Promise<void> = Promise.resolve();

  take(): Turn {
    const before = this.last;
    let done: () => void = () => undefined;
    const passed = new Promise<void>((resolve) => (done = resolve));
    this.last = before.then(() => passed);
    return { before, done };
  }
}
