import type { LookupAddress } from 'node:dns';
import type { Outcome } from '@pns/transport-contract';
import { LRUCache } from 'lru-cache';
import { type Found, type LookUp, NameError } from './name-lookup';

/** The user, context and client for which a name is looked up. */
export interface Seeker {
  readonly client: string;
  readonly context: number;
  readonly user: number;
}

/** How many look-ups may run, and how many callers may wait for the start of a look-up, for at most `waitMs`. */
export interface NameLimits {
  readonly perUser: number;
  readonly perContext: number;
  readonly perProcess: number;
  readonly waitingPerUser: number;
  readonly waitingPerContext: number;
  readonly waitingPerProcess: number;
  readonly waitMs: number;
}

export const defaultNameLimits: NameLimits = {
  perUser: 4,
  perContext: 16,
  perProcess: 256,
  waitingPerUser: 16,
  waitingPerContext: 64,
  waitingPerProcess: 1024,
  waitMs: 2000,
};

/** The cached state of a name. */
interface Memory {
  readonly addresses?: readonly LookupAddress[];
  /** Why the last look-up failed. */
  readonly error?: Error;
  /** When the answer expires, on the clock of `performance.now()`. */
  readonly until: number;
  /** Whether at least one of the last two look-ups found the name. */
  readonly wasFound: boolean;
}

interface Waiting {
  readonly hostname: string;
  readonly quotas: readonly Quota[];
  readonly leave: () => void;
  readonly resolve: (isReady: boolean | Promise<boolean>) => void;
}

/** The number of look-ups of a user, a context or the process that may run and wait. */
interface Quota {
  readonly key: string;
  readonly most: number;
  readonly mostWaiting: number;
}

/**
 * How long a failed look-up is cached, in ms. It is long enough for all connections that a burst opens one after another, and
 * shorter than a circuit is open at first (2 s), so that the next attempt after an open circuit looks the name up again.
 */
const failureMs = 1000;

/** Maximum number of cached names, some hundred bytes each. A name that was evicted is only looked up again. */
const maxNames = 10_000;

/** The deferral does not count as an attempt, because the endpoint is not the cause. */
const namesDeferred: Outcome = {
  kind: 'retry',
  reason: 'Too many names of this user or context are being looked up; no request was sent to the endpoint.',
  afterMs: 1000,
  isDeferred: true,
};

/**
 * Looks each name up once at a time for all callers, and bounds the look-ups of one user, of one context and of the
 * process. Further look-ups wait in their order for a short time. Names that were found recently have separate bounds, so
 * that look-ups without an answer do not delay look-ups of these names.
 */
export class Names {
  private readonly known = new LRUCache<string, Memory>({ max: maxNames });
  private readonly underWay = new Map<string, Promise<boolean>>();
  private readonly waiting = new Set<Waiting>();
  private readonly running = new Tally();
  private readonly queued = new Tally();

  constructor(
    private readonly lookUp: LookUp,
    private readonly limits: NameLimits = defaultNameLimits,
  ) {}

  /**
   * Ensures that `addresses` has the result for a name: its addresses, or the error of the look-up. Returns true if the
   * result is cached, else resolves with true after the look-up. Resolves with false if the bounds allowed no look-up in
   * time.
   */
  ready(hostname: string, seeker: Seeker): true | Promise<boolean> {
    if (this.isKnown(hostname)) return true;
    const underWay = this.underWay.get(hostname);
    if (underWay !== undefined) return underWay;
    const quotas = this.quotasOf(seeker, this.known.peek(hostname)?.wasFound === true);
    if (this.running.hasRoom(quotas, ({ most }) => most)) return this.start(hostname, quotas);
    return this.queued.hasRoom(quotas, ({ mostWaiting }) => mostWaiting)
      ? this.wait(hostname, quotas)
      : Promise.resolve(false);
  }

  /**
   * Looks a name up before an attempt begins. Returns undefined if the result is cached or the host is not a name. Else
   * resolves with undefined after the look-up, or with a deferral if no look-up could be started.
   */
  prepared(hostname: string | undefined, seeker: Seeker): Promise<Outcome | undefined> | undefined {
    const isReady = hostname === undefined || this.ready(hostname, seeker);
    return isReady === true ? undefined : isReady.then((isKnown) => (isKnown ? undefined : namesDeferred));
  }

  /**
   * Returns the addresses of the latest look-up, even if they have expired, so that an attempt uses the addresses with which
   * it began. Throws the error of the look-up if it failed.
   */
  addresses(hostname: string): readonly LookupAddress[] {
    const memory = this.known.peek(hostname);
    if (memory?.addresses === undefined) throw memory?.error ?? new NameError('ENOTFOUND');
    return memory.addresses;
  }

  private quotasOf({ client, context, user }: Seeker, wasFound: boolean): Quota[] {
    const { perUser, perContext, perProcess, waitingPerUser, waitingPerContext, waitingPerProcess } = this.limits;
    const lane = wasFound ? 'found' : 'new';
    return [
      { key: lane, most: perProcess, mostWaiting: waitingPerProcess },
      { key: `${lane} ${client} ${context}`, most: perContext, mostWaiting: waitingPerContext },
      { key: `${lane} ${client} ${context} ${user}`, most: perUser, mostWaiting: waitingPerUser },
    ];
  }

  private start(hostname: string, quotas: readonly Quota[]): Promise<boolean> {
    this.running.add(quotas);
    const isKnown = this.lookUp(hostname)
      .then(
        (found) => this.remember(hostname, found),
        (error: Error) => this.remember(hostname, error),
      )
      .then(() => {
        this.underWay.delete(hostname);
        this.running.remove(quotas);
        this.serve();
        return true;
      });
    this.underWay.set(hostname, isKnown);
    return isKnown;
  }

  private remember(hostname: string, found: Found | Error): void {
    const now = performance.now();
    const wasFound = this.known.peek(hostname)?.addresses !== undefined;
    this.known.set(
      hostname,
      found instanceof Error
        ? { error: found, until: now + failureMs, wasFound }
        : { addresses: found.addresses, until: now + found.holdsMs, wasFound: true },
    );
  }

  private wait(hostname: string, quotas: readonly Quota[]): Promise<boolean> {
    return new Promise((resolve) => {
      const entry: Waiting = {
        hostname,
        quotas,
        leave: () => {
          clearTimeout(timer);
          this.waiting.delete(entry);
          this.queued.remove(quotas);
        },
        resolve,
      };
      const timer = setTimeout(() => {
        entry.leave();
        resolve(false);
      }, this.limits.waitMs);
      this.queued.add(quotas);
      this.waiting.add(entry);
    });
  }

  /**
   * Starts waiting look-ups in their order if their quotas allow it, and ends the wait for each name that was looked up
   * meanwhile.
   */
  private serve(): void {
    for (const { hostname, quotas, leave, resolve } of this.waiting) {
      if (!this.isKnown(hostname) && !this.running.hasRoom(quotas, ({ most }) => most)) continue;
      leave();
      const isReady = this.isKnown(hostname) || (this.underWay.get(hostname) ?? this.start(hostname, quotas));
      resolve(isReady);
    }
  }

  private isKnown(hostname: string): boolean {
    const memory = this.known.get(hostname);
    return memory !== undefined && performance.now() < memory.until;
  }
}

/** Counts the look-ups of each quota. */
class Tally {
  private readonly counts = new Map<string, number>();

  hasRoom(quotas: readonly Quota[], mostOf: (quota: Quota) => number): boolean {
    return quotas.every((quota) => (this.counts.get(quota.key) ?? 0) < mostOf(quota));
  }

  add(quotas: readonly Quota[]): void {
    for (const { key } of quotas) this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }

  remove(quotas: readonly Quota[]): void {
    for (const { key } of quotas) {
      const left = (this.counts.get(key) ?? 0) - 1;
      if (left > 0) this.counts.set(key, left);
      else this.counts.delete(key);
    }
  }
}
