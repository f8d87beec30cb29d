interface Entry {
  /** When `expire` must be called, on the clock of `performance.now()`. */
  readonly at: number;
  readonly expire: () => void;
}

/**
 * Calls functions after a time that is the same for all of them, with one timer for thousands: a separate timer costs Node one or
 * two microseconds and an object.
 */
export class Deadlines {
  /** In the order of addition, which is also the order of expiry. */
  private readonly entries = new Set<Entry>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly afterMs: number) {}

  /** Calls `expire` after `afterMs`, unless the returned function is called before. */
  add(expire: () => void): () => void {
    const entry = { at: performance.now() + this.afterMs, expire };
    this.entries.add(entry);
    this.timer ??= setTimeout(() => this.expireDue(), this.afterMs);
    return () => {
      this.entries.delete(entry);
      if (this.entries.size > 0) return;
      clearTimeout(this.timer);
      this.timer = undefined;
    };
  }

  private expireDue(): void {
    this.timer = undefined;
    for (const entry of this.entries) {
      const leftMs = entry.at - performance.now();
      if (leftMs > 0) {
        this.timer ??= setTimeout(() => this.expireDue(), Math.ceil(leftMs));
        return;
      }
      this.entries.delete(entry);
      entry.expire();
    }
  }
}
