import { PnsError, type RecurringFault } from '@pns/runtime';
import type { UserKey } from '@pns/subscriptions';
import type { ConfigCascade } from './config-cascade';

/** Postgres may take this long to return the properties of a request, in ms. After a failure, no query is made for the same time. */
const loadTimeoutMs = 1000;

/**
 * Loads the properties of the users of a request into the cascade, for a request that must not depend on Postgres. While
 * Postgres is away, known users keep their known properties, and unknown users get the properties of the server scope. So use
 * this class for properties that set limits and times, not for permissions.
 */
export class PropertyLoader {
  private pausedUntil = 0;

  constructor(
    private readonly cascade: ConfigCascade,
    private readonly fault: RecurringFault,
  ) {}

  /** Resolves within about a second; never rejects. */
  async load(subjects: readonly UserKey[]): Promise<void> {
    if (this.cascade.knows(subjects) || Date.now() < this.pausedUntil) return;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      const slow = () => new PnsError('CONFIG_SLOW', `Postgres has not answered within ${loadTimeoutMs} ms.`);
      timer = setTimeout(() => reject(slow()), loadTimeoutMs);
    });
    try {
      await Promise.race([this.cascade.load(subjects), timeout]);
      this.fault.isOver();
    } catch (error) {
      this.pausedUntil = Date.now() + loadTimeoutMs;
      this.fault.occurred(error);
    } finally {
      clearTimeout(timer);
    }
  }
}
