import type { SubscriptionStore } from '@pns/persistence';

interface Waiting {
  readonly ids: readonly string[];
  readonly resolve: (live: ReadonlySet<string>) => void;
  readonly reject: (reason: unknown) => void;
}

/** Most ids in one query. */
const maxIdsPerQuery = 5000;

/** Asks which subscriptions are still there: jobs that want to know while a query is under way share the next one. */
export class LiveSubscriptions {
  private waiting: Waiting[] = [];
  private isAsking = false;

  constructor(private readonly store: Pick<SubscriptionStore, 'liveAmong'>) {}

  /** Those that are there and have not expired; at least of `ids`. */
  liveAmong(ids: readonly string[]): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return Promise.resolve(new Set());
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
        const live = await this.store.liveAmong(together.flatMap(({ ids }) => ids));
        for (const { resolve } of together) resolve(live);
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.isAsking = false;
  }

  private next(): Waiting[] {
    let count = 0;
    const tooMany = this.waiting.findIndex(({ ids }, at) => (count += ids.length) > maxIdsPerQuery && at > 0);
    return this.waiting.splice(0, tooMany === -1 ? this.waiting.length : tooMany);
  }
}
