/** Counts by key; what is at zero takes no memory. */
export class Tally {
  private readonly counts = new Map<string, number>();

  of(key: string): number {
    return this.counts.get(key) ?? 0;
  }

  add(keys: readonly string[], count: number): void {
    for (const key of keys) this.counts.set(key, this.of(key) + count);
  }

  remove(keys: readonly string[], count: number): void {
    for (const key of keys) {
      const left = this.of(key) - count;
      if (left > 0) this.counts.set(key, left);
      else this.counts.delete(key);
    }
  }
}
