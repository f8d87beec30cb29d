/** The result of a check of an arrival; `reason` says why the arrival is invalid. */
export interface Check {
  readonly name: string;
  readonly verdict: 'valid' | 'invalid' | 'missing';
  readonly reason?: string;
}

/** A request as it was received. */
export interface WireRequest {
  readonly path: string;
  /** The headers as Node reads them: a flat list, in which each name is followed by its value. */
  readonly rawHeaders: readonly string[];
  /** The exact bytes of the body, one character for each byte. */
  readonly latin1Body: string;
}

/** One request that reached a simulated provider. */
export interface Arrival {
  /** The number of this arrival among all arrivals of this run, from 1. */
  readonly seq: number;
  /** Ms since the epoch. */
  readonly at: number;
  readonly provider: string;
  /** The target of the request: a webhook's name or a device token. */
  readonly target: string;
  readonly request: WireRequest;
  /** The text of an encrypted body, if the sandbox has its key. */
  readonly decryptedBody?: string;
  /** The answer to the request: a status, `hang` or `reset`. */
  readonly answer: number | 'hang' | 'reset';
  /** Whether the arrival repeats a request that was accepted before. */
  readonly isDuplicate: boolean;
  /** Absent until the arrival is read or a round checks it, because checking takes longer than receiving. */
  checks?: readonly Check[];
}

export type NewArrival = Omit<Arrival, 'seq' | 'checks'> & { check: () => readonly Check[] };

/**
 * The most arrivals that are checked in each round of `roundMs`. Rounds check arrivals before they are read, because a check
 * some minutes later would fail: public libraries refuse old requests.
 */
const checksPerRound = 50;
const roundMs = 100;

/** The last `keep` arrivals of all providers. */
export class Arrivals {
  private readonly slots: (Arrival & { check: () => readonly Check[] })[] = [];
  private readonly listeners = new Set<(arrival: Arrival) => void>();
  private last = 0;
  private lastChecked = 0;
  private readonly rounds: NodeJS.Timeout;

  constructor(private readonly keep: number) {
    this.rounds = setInterval(() => this.checkSome(), roundMs).unref();
  }

  get lastSeq(): number {
    return this.last;
  }

  add(arrival: NewArrival): void {
    const kept = { ...arrival, seq: ++this.last };
    this.slots[kept.seq % this.keep] = kept;
    for (const listener of this.listeners) listener(kept);
  }

  /** The arrival with this number, if it is still kept. */
  kept(seq: number): Arrival | undefined {
    const arrival = this.slots[seq % this.keep];
    return arrival?.seq === seq ? arrival : undefined;
  }

  /** The newest `limit` kept arrivals after `seq` for which `isWanted` is true, oldest first, each with its checks. */
  since(seq: number, isWanted: (arrival: Arrival) => boolean = () => true, limit = this.keep): Arrival[] {
    const found: Arrival[] = [];
    for (let each = this.last; each > Math.max(seq, this.last - this.keep) && found.length < limit; each--) {
      const arrival = this.slots[each % this.keep];
      if (arrival !== undefined && isWanted(arrival)) found.push(checked(arrival));
    }
    return found.reverse();
  }

  /** Calls `listener` for each further arrival; returns a function that removes the listener. */
  onArrival(listener: (arrival: Arrival) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves at the first matching arrival, or after `waitMs`. */
  next(isWanted: (arrival: Arrival) => boolean, waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(finish, waitMs);
      const stop = this.onArrival((arrival) => isWanted(arrival) && finish());
    });
  }

  close(): void {
    clearInterval(this.rounds);
  }

  private checkSome(): void {
    this.lastChecked = Math.max(this.lastChecked, this.last - this.keep);
    const end = Math.min(this.last, this.lastChecked + checksPerRound);
    while (this.lastChecked < end) {
      const arrival = this.slots[++this.lastChecked % this.keep];
      if (arrival !== undefined) checked(arrival);
    }
  }
}

function checked(arrival: Arrival & { check: () => readonly Check[] }): Arrival {
  arrival.checks ??= arrival.check();
  return arrival;
}

/** The exact bytes of the body. */
export function bodyOf({ latin1Body }: WireRequest): Buffer {
  return Buffer.from(latin1Body, 'latin1');
}

/** Header values by lower-case name; if a name occurs several times, its values are joined as in HTTP. */
export function headersOf({ rawHeaders }: WireRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = [rawHeaders[i]?.toLowerCase(), rawHeaders[i + 1]];
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}
