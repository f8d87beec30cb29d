import { ApnsFaults } from './apns-fault';

/** The least number of ids that are kept to detect duplicates; at most twice as many are kept. */
const idsRemembered = 1000;

/** One simulated device with one app: its counts and its fault. */
export class ApnsDevice {
  total = 0;
  accepted = 0;
  duplicates = 0;
  /** Arrivals whose `seq` is not greater than this number were cleared, and are not shown. */
  clearedSeq = 0;
  /** The app to which the device token belongs: the topic of the first push to it. */
  topic: string | undefined;
  readonly faults = new ApnsFaults();
  private ids = new Set<string>();
  private olderIds = new Set<string>();

  constructor(readonly token: string) {}

  get state() {
    const { total, accepted, duplicates, topic, faults } = this;
    return { total, accepted, duplicates, topic, fault: faults.current };
  }

  /** Counts a push; returns whether its id was accepted before. */
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
