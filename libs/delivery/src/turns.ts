/** A place in the order. `done` may be called more than once. */
export interface Turn {
  /** Resolves when all turns before this one are done. */
  readonly before: Promise<void>;
  readonly done: () => void;
}

/** A turn whose place is not settled yet. */
interface Arrival<Place> {
  readonly place: Place;
  readonly begin: (before: Promise<void>) => void;
  readonly passed: Promise<void>;
}

/**
 * Keeps concurrent jobs from overtaking each other: each waits at one point until those before it have passed that point. Turns
 * that are taken within one turn of the event loop are sorted first: BullMQ hands out jobs that were fetched at once in any order.
 */
export class Turns<Place> {
  private last: Promise<void> = Promise.resolve();
  private arrivals: Arrival<Place>[] = [];

  constructor(private readonly compare: (one: Place, other: Place) => number) {}

  take(place: Place): Turn {
    let done: () => void = () => undefined;
    let begin: (before: Promise<void>) => void = () => undefined;
    const passed = new Promise<void>((resolve) => (done = resolve));
    const before = new Promise<void>((resolve) => (begin = resolve));
    if (this.arrivals.push({ place, begin, passed }) === 1) setImmediate(() => this.settle());
    return { before, done };
  }

  private settle(): void {
    const arrivals = this.arrivals.sort(({ place }, other) => this.compare(place, other.place));
    this.arrivals = [];
    for (const { begin, passed } of arrivals) {
      const before = this.last;
      begin(before);
      this.last = before.then(() => passed);
    }
  }
}
