import { hash } from 'node:crypto';
import { Faults } from '../faults';
import type { UserAgent } from './user-agent';
import type { WebpushFault } from './webpush-fault';

const maxSeen = 10_000;

/** One web app in one user agent, as the push service stores it. */
export class WebpushSubscription {
  total = 0;
  accepted = 0;
  duplicates = 0;
  /** Arrivals whose `seq` is not greater than this number were cleared, and are not shown. */
  clearedSeq = 0;
  /** Whether its web app or its user ended the subscription. */
  isEnded = false;
  readonly faults = new Faults<WebpushFault>();
  private readonly seen = new Set<string>();

  constructor(
    readonly token: string,
    readonly userAgent: UserAgent,
    /** An uncompressed point in base64url. Only the application server with this key may send; if absent, any server may send. */
    readonly applicationServerKey?: string,
  ) {}

  get state() {
    const { total, accepted, duplicates, isEnded } = this;
    return { total, accepted, duplicates, isEnded, fault: this.faults.current };
  }

  clear(seq: number): void {
    this.clearedSeq = seq;
    this.total = this.accepted = this.duplicates = 0;
    this.seen.clear();
  }

  /** Counts a message; returns whether a message with the same text was accepted before. */
  count(text: string | undefined, isAccepted: boolean): boolean {
    this.total++;
    const message = text === undefined ? undefined : hash('sha256', text, 'base64');
    const isDuplicate = message !== undefined && this.seen.has(message);
    if (isDuplicate) this.duplicates++;
    else if (isAccepted) {
      this.accepted++;
      if (this.seen.size >= maxSeen) this.seen.clear();
      if (message !== undefined) this.seen.add(message);
    }
    return isDuplicate;
  }
}
