import { LRUCache } from 'lru-cache';

/** An endpoint that has jobs in this process. */
interface Endpoint {
  /** Jobs that have a slot. */
  running: number;
  /** Jobs that wait here for one, in the order in which they came. */
  readonly waiting: ((hasSlot: boolean) => void)[];
  /** The ids of jobs that were put off and have not come back yet, as far as one can tell. */
  readonly putOff: Set<string>;
}

/** A pause that is not known better, and the longest one, in ms: another process may have slots much sooner. */
const [firstGuessMs, longestMs] = [50, 5000];

/** How much the latest job counts. */
const weight = 0.2;

/**
 * Shares out a process' slots, so that jobs for one endpoint, however slow it is, leave room for the others. Of each endpoint
 * as many jobs may wait here as may run; those beyond are put off, which costs Redis and us as much as working on them.
 */
export class EndpointSlots {
  private readonly busy = new Map<string, Endpoint>();
  /** How long jobs took lately, in ms. */
  private readonly averageMs = new LRUCache<string, number>({ max: 10_000 });
  private isClosed = false;

  constructor(private readonly perEndpoint: number) {}

  /** Resolves with true once the job has a slot of `endpoint`, and with false when it is to be put off. */
  async enter(endpoint: string, job: string): Promise<boolean> {
    const known = this.busy.get(endpoint) ?? { running: 0, waiting: [], putOff: new Set() };
    this.busy.set(endpoint, known);
    if (!this.isClosed && known.running < this.perEndpoint) {
      known.putOff.delete(job);
      known.running++;
      return true;
    }
    if (this.isClosed || known.waiting.length >= this.perEndpoint) {
      known.putOff.add(job);
      return false;
    }
    known.putOff.delete(job);
    return new Promise((resolve) => known.waiting.push(resolve));
  }

  /** Gives a slot back that was used for `tookMs`: to the job that has waited longest, if any does. */
  leave(endpoint: string, tookMs: number): void {
    const known = this.busy.get(endpoint);
    if (known === undefined) return;
    const lately = this.averageMs.get(endpoint) ?? tookMs;
    this.averageMs.set(endpoint, lately + weight * (tookMs - lately));
    const next = known.waiting.shift();
    if (next !== undefined) return next(true);
    known.running--;
    // Whatever was put off went elsewhere, or is about to come back.
    if (known.running === 0) this.busy.delete(endpoint);
  }

  /**
   * When a job that was put off is to come back, in ms: shortly before its turn, so that those that wait here do not run out
   * meanwhile. `random` is in [0, 1).
   */
  pauseMs(endpoint: string, random = Math.random()): number {
    const known = this.busy.get(endpoint);
    const turns = Math.max(1, (known?.putOff.size ?? 0) + (known?.waiting.length ?? 0) / 2);
    const turnMs = Math.min((turns * (this.averageMs.get(endpoint) ?? firstGuessMs)) / this.perEndpoint, longestMs);
    return Math.ceil(turnMs * (0.75 + 0.25 * random));
  }

  /** Puts off every job that waits here, and whatever comes from now on. */
  close(): void {
    this.isClosed = true;
    for (const { waiting } of this.busy.values()) for (const resolve of waiting.splice(0)) resolve(false);
  }
}
