import type { ConfigCascade } from '@pns/config-cascade';
import { PnsError, RecurringFault } from '@pns/runtime';
import type { UserKey } from '@pns/subscriptions';

/** Postgres may take this long to tell what is set for a batch, in ms, and is left alone for as long after it did not. */
const patienceMs = 1000;

/**
 * Makes the cascade know the subjects of a request that must not depend on Postgres. While it is away, what was known
 * of them goes on to hold, and for strangers what the server says: here it is only a matter of when and how joined.
 */
export class PropertyLoader {
  private pausedUntil = 0;
  private readonly fault = new RecurringFault('ingest.properties-not-loaded', 'ingest.properties-loaded');

  constructor(private readonly cascade: ConfigCascade) {}

  async load(subjects: readonly UserKey[]): Promise<void> {
    if (this.cascade.knows(subjects) || Date.now() < this.pausedUntil) return;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      const slow = () => new PnsError('CONFIG_SLOW', `Postgres has not answered within ${patienceMs} ms.`);
      timer = setTimeout(() => reject(slow()), patienceMs);
    });
    try {
      await Promise.race([this.cascade.load(subjects), timeout]);
      this.fault.isOver();
    } catch (error) {
      this.pausedUntil = Date.now() + patienceMs;
      this.fault.occurred(error);
    } finally {
      clearTimeout(timer);
    }
  }
}
