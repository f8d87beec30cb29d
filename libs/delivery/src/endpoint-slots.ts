import { LRUCache } from 'lru-cache';

interface Endpoint {
  /** Jobs that have a slot now. */
  running: number;
  /** Jobs that were put off and have not come back yet, as far as one can tell. */
  putOff: number;
  /** How long its jobs took lately, in ms. */
  averageMs: number;
}

/** A pause that is not known better, and the longest one, in ms: another process may have slots much sooner. */
const [firstGuessMs, longestMs] = [200, 5000];

/** How much the latest job counts. */
const weight = 0.2;

/** Shares out a process' slots, so that jobs for one endpoint, however slow it is, leave room for the others. */
export class EndpointSlots {
  private readonly endpoints = new LRUCache<string, Endpoint>({ max: 10_000 });

  constructor(private readonly perEndpoint: number) {}

  /** Takes a slot of `endpoint`, or answers false when it has none left. */
  take(endpoint: string): boolean {
    const known = this.endpoints.get(endpoint) ?? { running: 0, putOff: 0, averageMs: firstGuessMs };
    this.endpoints.set(endpoint, known);
    if (known.running >= this.perEndpoint) {
      known.putOff++;
      return false;
    }
    known.running++;
    if (known.putOff > 0) known.putOff--;
    return true;
  }

  /**
   * When to come back for a slot, in ms: about when those before it will be done. Coming back too often costs Redis and us
   * as much as the work itself. `random` is in [0, 1).
   */
  pauseMs(endpoint: string, random = Math.random()): number {
    const { putOff, averageMs } = this.endpoints.get(endpoint) ?? { putOff: 0, averageMs: firstGuessMs };
    const turnMs = Math.min((averageMs * (putOff + 1)) / this.perEndpoint, longestMs);
    return Math.ceil(turnMs * (0.25 + 0.75 * random));
  }

  /** Gives a slot back that was used for `tookMs`. */
  release(endpoint: string, tookMs: number): void {
    const known = this.endpoints.get(endpoint);
    if (known === undefined) return;
    known.running--;
    known.averageMs += weight * (tookMs - known.averageMs);
    if (known.running === 0) known.putOff = 0; // they went elsewhere, or are about to come back
  }
}
