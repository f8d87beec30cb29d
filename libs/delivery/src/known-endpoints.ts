import { hash } from 'node:crypto';
import type { EndpointKey, EndpointState } from '@pns/persistence';

/** An endpoint that has failed. */
export interface KnownEndpoint {
  /** Whether its next success must be recorded. */
  isRecorded: boolean;
  off?: EndpointState['off'];
  /** When this process last recorded its failure, in ms since the epoch. */
  failedAt: number;
  /** The end of the last deferral that this process recorded, in ms since the epoch. */
  deferredUntil: number;
}

/**
 * The maximum number of endpoints in memory; they take about 20 MB. Deliveries to further endpoints are attempted even if the
 * endpoints are switched off, and no delivery is lost.
 */
const maxKnown = 100_000;

/** The failing endpoints in the memory of a process. For a client without failing endpoints, a lookup computes no hash. */
export class KnownEndpoints {
  /** The endpoints by client and hash of the token. */
  private readonly known = new Map<string, Map<string, KnownEndpoint>>();
  private size = 0;

  /** Whether there is no room for another endpoint. */
  get isFull(): boolean {
    return this.size >= maxKnown;
  }

  get isEmpty(): boolean {
    return this.size === 0;
  }

  /** How many endpoints are in each state. */
  get counts(): { readonly failing: number; readonly off: number } {
    let [failing, off] = [0, 0];
    for (const ofClient of this.known.values()) {
      for (const known of ofClient.values()) {
        if (known.off !== undefined) off++;
        else if (known.isRecorded) failing++;
      }
    }
    return { failing, off };
  }

  find({ client, token }: EndpointKey): KnownEndpoint | undefined {
    const ofClient = this.known.get(client);
    return ofClient?.get(hashOf(token));
  }

  /** Sets the given fields; `hashed` is the hash of the token. */
  set(client: string, hashed: string, changes: Partial<KnownEndpoint>): void {
    const ofClient = this.known.get(client) ?? new Map<string, KnownEndpoint>();
    const known = ofClient.get(hashed);
    if (known !== undefined) return void Object.assign(known, changes);
    if (this.isFull) return;
    this.known.set(client, ofClient);
    ofClient.set(hashed, { isRecorded: false, failedAt: 0, deferredUntil: 0, ...changes });
    this.size++;
  }

  delete(client: string, hashed: string): void {
    const ofClient = this.known.get(client);
    if (ofClient?.delete(hashed) !== true) return;
    this.size--;
    if (ofClient.size === 0) this.known.delete(client);
  }

  clear(): void {
    this.known.clear();
    this.size = 0;
  }
}

/** The hash of a token, the same as that in the subscriptions in Postgres. */
export function hashOf(token: string): string {
  return hash('sha256', token, 'hex');
}
