import { LRUCache } from 'lru-cache';

/** An endpoint that has jobs in this process. */
interface Endpoint {
  /** Jobs that have a slot. */
  running: number;
  /** Jobs that wait here for one, in the order in which they came. */
  readonly waiting: ((hasSlot: boolean) => void)[];
  /** By their ids, how to call back jobs that were put off and have not come back yet, as far as one can tell. */
  readonly putOff: Map<string, () => void>;
}

/** A pause that is not known better, and the longest one, in ms: another process may have slots much sooner. */
const [firstGuessMs, longestMs] = [50, 5000];

/** So many jobs of an endpoint are called back when it is their turn; those beyond come back by themselves. */
const mostCalledBack = 1000;

/** How much the latest job counts. */
const weight = 0.2;

/**
 * Shares out a process' slots, so that jobs for one endpoint, however slow it is, leave room for the others. Of each endpoint
 * as many jobs may wait here as may run. Those beyond are put off, and called back when there is room: coming back in vain
 * would cost Redis and us as much as working on them.
 */
export class EndpointSlots {
  private readonly busy = new Map<string, Endpoint>();
  /** How long jobs took lately, in ms. */
  private readonly averageMs = new LRUCache<string, number>({ max: 10_000 });
  private isClosed = false;

  constructor(private readonly perEndpoint: number) {}

  /**
   * Resolves with true once the job has a slot of `endpoint`, and with false when it is to be put off for `pauseMs`; `callBack`
   * is called should there be room sooner.
   */
  async enter(endpoint: string, job: string, callBack: () => void): Promise<boolean> {
    const known: Endpoint = this.busy.get(endpoint) ?? { running: 0, waiting: [], putOff: new Map() };
    this.busy.set(endpoint, known);
    known.putOff.delete(job);
    if (!this.isClosed && known.running < this.perEndpoint) {
      known.running++;
      return true;
    }
    if (!this.isClosed && known.waiting.length < this.perEndpoint) {
      return new Promise((resolve) => known.waiting.push(resolve));
    }
    if (known.putOff.size < mostCalledBack) known.putOff.set(job, callBack);
    return false;
  }

  /** Gives a slot back that was used for `tookMs`: to the job that has waited longest, if any does. */
  leave(endpoint: string, tookMs: number): void {
    const known = this.busy.get(endpoint);
    if (known === undefined) return;
    const lately = this.averageMs.get(endpoint) ?? tookMs;
    this.averageMs.set(endpoint, lately + weight * (tookMs - lately));
    const next = known.waiting.shift();
    if (next === undefined) known.running--;
    else next(true);
    // One for the place that became free, and another one where those called before have gone elsewhere.
    this.callBack(known, next === undefined ? 2 : 1);
    if (known.running === 0) this.busy.delete(endpoint);
  }

  /**
   * When a job that was put off is to come back if nobody calls it, in ms: well after its turn, so that it is not put off once
   * more. `random` is in [0, 1).
   */
  pauseMs(endpoint: string, random = Math.random()): number {
    const known = this.busy.get(endpoint);
    const turns = 1 + (known?.putOff.size ?? 0) + (known?.waiting.length ?? 0);
    const turnMs = (turns * (this.averageMs.get(endpoint) ?? firstGuessMs)) / this.perEndpoint;
    return Math.ceil(Math.min(2 * turnMs, longestMs) * (0.75 + 0.25 * random));
  }

  private callBack({ putOff }: Endpoint, count: number): void {
    let left = this.isClosed ? 0 : count;
    for (const [job, callBack] of putOff) {
      if (left-- === 0) return;
      putOff.delete(job);
      callBack();
    }
  }

  /** Puts off every job that waits here, and whatever comes from now on. */
  close(): void {
    this.isClosed = true;
    for (const { waiting } of this.busy.values()) for (const resolve of waiting.splice(0)) resolve(false);
  }
}
