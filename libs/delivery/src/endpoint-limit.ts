/** The limit starts at this part of what the connections carry, and never falls below the second part of it. */
const [startPart, leastPart] = [4, 32] as const;

/** Few connections are no burden for a far side, and a busy process takes its own delay for one of the far side. */
const leastInFlight = 10;

/** What one answer adds while the limit is used up: it doubles in the time of an answer, and grows by an eighth after it has shrunk. */
const [firstGrowth, laterGrowth] = [1, 1 / 8] as const;

/** What one failure takes away, and one answer of a far side that slows down. */
const [failureLoss, slowDownLoss] = [1, 1 / 4] as const;

/** The recent time is the average of so many answers at least, or of half of those in flight; the usual one that of eight times as many. */
const leastRecent = 20;
const usualPerRecent = 8;

/** The far side slows down when the recent time is so many times the usual one, and longer by so many ms at least. */
const [slowDownFactor, slowDownMs] = [2, 100] as const;

/**
 * How many deliveries an endpoint has in flight at most. Grows while answers come and the limit is used up. Shrinks when the far side
 * slows down, and when it throttles or fails more than one delivery in nine: fewer failures are balanced by the answers.
 */
export class EndpointLimit {
  private value: number;
  private answers = 0;
  private recentMs = 0;
  private usualMs = 0;
  private growth: number = firstGrowth;

  /** `most` is what the connections to the endpoint carry at once. */
  constructor(private most: number) {
    this.value = this.within(most / startPart);
  }

  get current(): number {
    return Math.max(1, Math.floor(this.value));
  }

  /** How long an answer takes on average, in ms; undefined before the first one. */
  get answerMs(): number | undefined {
    return this.answers === 0 ? undefined : this.recentMs;
  }

  /** The connections may carry more or less than before. */
  carries(most: number): void {
    if (most === this.most) return;
    this.most = most;
    this.add(0);
  }

  /** An answer came after `ms`; `isUsedUp` while nothing more could be sent. */
  answered(ms: number, isUsedUp: boolean): void {
    if (this.slowsDown(ms)) this.shrink(slowDownLoss);
    else if (isUsedUp) this.add(this.growth);
  }

  /** The far side throttled the delivery, failed, or did not answer in time. How long that took says nothing about answers. */
  failed(): void {
    this.shrink(failureLoss);
  }

  /** A far side that stays slow has slowed down no more once that is usual: sending less has not made it faster. */
  private slowsDown(ms: number): boolean {
    this.answers++;
    const recent = Math.max(leastRecent, this.current / 2);
    this.recentMs += (ms - this.recentMs) / Math.min(this.answers, recent);
    this.usualMs += (ms - this.usualMs) / Math.min(this.answers, usualPerRecent * recent);
    return this.recentMs > slowDownFactor * this.usualMs && this.recentMs - this.usualMs > slowDownMs;
  }

  private shrink(loss: number): void {
    this.growth = laterGrowth;
    this.add(-loss);
  }

  private add(change: number): void {
    this.value = this.within(this.value + change);
  }

  private within(value: number): number {
    return Math.min(this.most, Math.max(this.most / leastPart, leastInFlight, value));
  }
}
