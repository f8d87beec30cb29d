interface Waiting<Found> {
  readonly ids: readonly string[];
  readonly resolve: (found: Found) => void;
  readonly reject: (reason: unknown) => void;
}

/** Maximum number of ids in one query. */
const maxIdsPerQuery = 5000;

/** Looks ids up. Calls that arrive while a query is in progress share the next query. */
export class SharedLookup<Found> {
  private waiting: Waiting<Found>[] = [];
  private isAsking = false;

  constructor(private readonly ask: (ids: readonly string[]) => Promise<Found>) {}

  /** The result for `ids`; it may also contain results for other ids. */
  of(ids: readonly string[]): Promise<Found> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ ids, resolve, reject });
      if (!this.isAsking) void this.askForAll();
    });
  }

  private async askForAll(): Promise<void> {
    this.isAsking = true;
    while (this.waiting.length > 0) {
      const together = this.next();
      try {
        const found = await this.ask(together.flatMap(({ ids }) => ids));
        for (const { resolve } of together) resolve(found);
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.isAsking = false;
  }

  private next(): Waiting<Found>[] {
    let count = 0;
    const tooMany = this.waiting.findIndex(({ ids }, at) => (count += ids.length) > maxIdsPerQuery && at > 0);
    return this.waiting.splice(0, tooMany === -1 ? this.waiting.length : tooMany);
  }
}
