import type { Fault } from './fault';

/** The least number of ids that are kept to detect duplicates; at most twice as many are kept. */
const idsRemembered = 250_000;

/** One simulated webhook: its counts and its fault. */
export class WebhookBox {
  total = 0;
  accepted = 0;
  duplicates = 0;
  /** Arrivals whose `seq` is not greater than this number were cleared, and are not shown. */
  clearedSeq = 0;
  private fault: Fault = {};
  private faultsLeft = 0;
  private ids = new Set<string>();
  private olderIds = new Set<string>();

  constructor(
    readonly name: string,
    public signatureSecret: string,
  ) {}

  get state() {
    const { total, accepted, duplicates, currentFault: fault } = this;
    return { total, accepted, duplicates, fault };
  }

  get currentFault(): Fault {
    return this.faultsLeft > 0 ? { ...this.fault, ...(this.fault.times && { times: this.faultsLeft }) } : {};
  }

  misbehave(fault: Fault): void {
    this.fault = fault;
    this.faultsLeft = Object.keys(fault).length === 0 ? 0 : (fault.times ?? Infinity);
  }

  /** The fault for the next request; empty if there is none. */
  takeFault(): Fault {
    if (this.faultsLeft === 0) return {};
    this.faultsLeft--;
    return this.fault;
  }

  /** Counts a request; returns whether its id was accepted before. */
  count(id: string | undefined, isAccepted: boolean): boolean {
    this.total++;
    const isDuplicate = id !== undefined && (this.ids.has(id) || this.olderIds.has(id));
    if (isDuplicate) this.duplicates++;
    else if (isAccepted) {
      this.accepted++;
      if (id !== undefined) this.remember(id);
    }
    return isDuplicate;
  }

  clear(seq: number): void {
    this.clearedSeq = seq;
    this.total = this.accepted = this.duplicates = 0;
    this.ids.clear();
    this.olderIds.clear();
  }

  private remember(id: string): void {
    if (this.ids.size >= idsRemembered) {
      this.olderIds = this.ids;
      this.ids = new Set();
    }
    this.ids.add(id);
  }
}
